"""Whatever goes wrong within the API is told as problem details (RFC 9457)."""

import pytest
from django.test import Client
from rest_framework.test import APIClient
from rest_framework.throttling import SimpleRateThrottle

from clients.api.views import MeView
from foundation.errors import DomainError


class NotNowError(DomainError):
    code = "not_now"


def problem(response, status: int) -> dict:
    assert response.status_code == status, response.content
    assert response["Content-Type"] == "application/problem+json"
    body = response.json()
    assert body["status"] == status
    assert body["type"] == "about:blank"
    return body


@pytest.fixture
def staff(as_persona):
    return as_persona("staff")


def test_unknown_path_is_a_problem_for_everybody():
    assert problem(APIClient().get("/api/v1/nothing"), 404)["code"] == "not_found"
    problem(APIClient().post("/api/v1/nothing/"), 404)
    problem(APIClient().get("/api/v1/"), 404)


def test_path_without_its_last_slash_is_sent_there():
    response = APIClient().get("/api/v1/trackers?status=DELIVERED")
    assert (response.status_code, response["Location"]) == (301, "/api/v1/trackers/?status=DELIVERED")
    response = APIClient().get("/api/v1/trackers/%25s%2B/reports?search=%25s")
    assert response["Location"] == "/api/v1/trackers/%25s+/reports/?search=%25s"
    problem(APIClient().post("/api/v1/auth/login"), 405)


def test_row_that_is_not_there(staff):
    assert problem(staff.get("/api/v1/clients/999999/"), 404)["code"] == "not_found"
    problem(staff.get("/api/v1/clients/99999999999999999999999/"), 404)
    problem(staff.get("/api/v1/clients/abc/"), 404)


def test_method_that_is_not_allowed(staff):
    response = staff.delete("/api/v1/trackers/")
    assert problem(response, 405)["code"] == "method_not_allowed"
    assert "GET" in response["Allow"]
    problem(staff.post("/api/v1/schema/"), 405)
    problem(staff.post("/api/v1/docs/"), 405)


def test_media_type_that_nothing_is_written_in(staff):
    problem(staff.get("/api/v1/trackers/", HTTP_ACCEPT="text/csv"), 406)
    problem(staff.get("/api/v1/trackers.geojson", HTTP_ACCEPT="text/csv"), 406)
    problem(staff.get("/api/v1/trackers/?format=csv"), 404)


def test_body_that_cannot_be_parsed():
    client = Client()
    assert problem(client.post("/api/v1/auth/login/", "{", "application/json"), 400)["code"] == "parse_error"
    problem(client.post("/api/v1/auth/login/", "a=b", "application/x-www-form-urlencoded"), 415)
    problem(client.post("/api/v1/auth/login/", "[]", "application/json"), 400)


def test_no_token():
    response = APIClient().get("/api/v1/me/")
    assert problem(response, 401)["code"] == "not_authenticated"
    assert response["WWW-Authenticate"] == "Token"


def test_too_many_requests(staff, monkeypatch):
    monkeypatch.setitem(SimpleRateThrottle.THROTTLE_RATES, "user", "1/min")
    assert staff.get("/api/v1/me/").status_code == 200
    response = staff.get("/api/v1/me/")
    assert problem(response, 429)["code"] == "throttled"
    assert int(response["Retry-After"]) > 0


def test_domain_error_keeps_its_code_and_message(staff, monkeypatch):
    def refuse(view, request):
        raise NotNowError("Wait until the run has begun.")

    monkeypatch.setattr(MeView, "get", refuse)
    body = problem(staff.get("/api/v1/me/"), 409)
    assert (body["code"], body["detail"]) == ("not_now", "Wait until the run has begun.")


def test_bug_of_ours_is_a_problem_within_the_api_and_a_page_elsewhere(staff, monkeypatch, rf):
    def break_down(view, request):
        raise RuntimeError("secret detail")

    monkeypatch.setattr(MeView, "get", break_down)
    staff.raise_request_exception = False
    response = staff.get("/api/v1/me/")
    assert "secret" not in str(problem(response, 500))

    from foundation.api.problems import server_error

    assert server_error(rf.get("/admin/"))["Content-Type"].startswith("text/html")
