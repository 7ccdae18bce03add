"""Tokens: given for a password, ended by logout and by time, and refused when they are wrong."""

from datetime import timedelta

import pytest
from django.utils import timezone
from knox.models import AuthToken
from rest_framework.test import APIClient

from clients.models import User
from tests import factories

PASSWORD = "a long enough password"
LOGIN = "/api/v1/auth/login/"


@pytest.fixture
def user(db) -> User:
    user = factories.UserFactory(username="anna")
    user.set_password(PASSWORD)
    user.save()
    return user


def log_in(**changes) -> object:
    return APIClient().post(LOGIN, {"username": "anna", "password": PASSWORD} | changes, format="json")


def with_token(token: str) -> APIClient:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Token {token}")
    return client


def test_login_gives_a_token_that_expires(user):
    response = log_in()
    assert response.status_code == 200
    assert response["Cache-Control"] == "no-store"
    expires_at = AuthToken.objects.get().expiry
    assert timedelta(hours=23) < expires_at - timezone.now() <= timedelta(hours=24)
    assert with_token(response.json()["token"]).get("/api/v1/me/").json()["username"] == "anna"
    AuthToken.objects.update(expiry=timezone.now() - timedelta(seconds=1))
    assert with_token(response.json()["token"]).get("/api/v1/me/").status_code == 401


def test_only_a_hash_of_the_token_is_stored(user):
    token = log_in().json()["token"]
    assert token not in str(AuthToken.objects.values().get())


@pytest.mark.parametrize("changes", [{"password": "wrong"}, {"username": "nobody"}])
def test_wrong_credentials_are_a_401_that_does_not_say_which(user, changes):
    response = log_in(**changes)
    assert response.status_code == 401
    assert response["WWW-Authenticate"] == "Token"
    assert response.json()["code"] == "authentication_failed"
    assert "anna" not in response.content.decode()


def test_inactive_user_gets_no_token_and_loses_its_tokens(user):
    token = log_in().json()["token"]
    User.objects.update(is_active=False)
    assert log_in().status_code == 401
    assert with_token(token).get("/api/v1/me/").status_code == 401


def test_password_change_does_not_need_the_old_token(user):
    """A stale token in the header must not keep its owner from logging in."""
    client = with_token("0" * 64)
    assert client.post(LOGIN, {"username": "anna", "password": PASSWORD}, format="json").status_code == 200


def test_logout_ends_one_token_and_logout_all_ends_every(user):
    first, second, third = (with_token(log_in().json()["token"]) for _ in range(3))
    assert first.post("/api/v1/auth/logout/").status_code == 204
    assert [client.get("/api/v1/me/").status_code for client in (first, second, third)] == [401, 200, 200]
    assert second.post("/api/v1/auth/logout-all/").status_code == 204
    assert third.get("/api/v1/me/").status_code == 401


def test_one_token_too_many_ends_the_oldest(user):
    for age in range(20):
        token, _ = AuthToken.objects.create(user=user)
        AuthToken.objects.filter(pk=token.pk).update(created=timezone.now() - timedelta(minutes=age + 1))
    oldest = AuthToken.objects.order_by("created").first()
    assert log_in().status_code == 200
    assert AuthToken.objects.count() == 20
    assert not AuthToken.objects.filter(pk=oldest.pk).exists()


def test_guessing_is_slowed_down_per_address(user):
    answers = [log_in(username=f"user{number}", password="guess").status_code for number in range(11)]
    assert answers == [401] * 10 + [429]


def test_guessing_is_slowed_down_per_user_name_from_many_addresses(user):
    answers = [
        APIClient(REMOTE_ADDR=f"192.0.2.{number}")
        .post(LOGIN, {"username": "Anna" if number % 2 else "anna", "password": "guess"}, format="json")
        .status_code
        for number in range(11)
    ]
    assert answers == [401] * 10 + [429]


def test_forwarded_address_is_not_believed_without_a_proxy(user):
    answers = [
        APIClient(HTTP_X_FORWARDED_FOR=f"192.0.2.{number}")
        .post(LOGIN, {"username": f"user{number}", "password": "guess"}, format="json")
        .status_code
        for number in range(11)
    ]
    assert answers[-1] == 429


@pytest.mark.parametrize("token", ["", "x", "a b", "\xff", "a" * 10_000, "é" * 64, "%00", "-" * 64])
def test_garbage_for_a_token_is_a_401(db, token):
    assert with_token(token).get("/api/v1/me/").status_code == 401


def test_session_reads_the_api_for_the_docs_page(user):
    client = APIClient(enforce_csrf_checks=True)
    client.force_login(user)
    assert client.get("/api/v1/me/").status_code == 200
    # A session can't end tokens: that takes the token itself.
    assert client.post("/api/v1/auth/logout-all/").status_code == 401


def test_me_names_clients_and_roles(world, as_persona):
    me = as_persona("viewer").get("/api/v1/me/").json()
    assert me["memberships"] == [{"client": {"id": world.alpha.client.pk, "name": "Alpha"}, "role": "VIEWER"}]
    assert me["is_staff"] is False
    assert as_persona("staff").get("/api/v1/me/").json()["is_staff"] is True
