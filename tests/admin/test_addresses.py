"""The address box of a location's page: who may search, what is answered, and what it says when it can't."""

import secrets
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from locations.admin import addresses
from locations.geocoding import searching
from simulation.geocoder import Fault, LocalGeocoder
from tests.factories import StaffFactory, StorageFactory, UserFactory

KINDS = ("storagelocation", "deliverylocation")
SEARCH = "admin:locations_storagelocation_find_address"


@pytest.fixture
def local(settings: Any, db: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalGeocoder]:
    """Tests are within a transaction; that a search is not, is tested where searching is."""
    monkeypatch.setattr(searching, "connection", SimpleNamespace(in_atomic_block=False))
    settings.REDIS_PREFIX = f"{settings.REDIS_PREFIX}{secrets.token_hex(4)}:"
    with LocalGeocoder() as geocoder:
        settings.GEOCODERS = ["nominatim"]
        settings.GEOCODER_URLS = [f"nominatim={geocoder.url('nominatim')}"]
        settings.GEOCODER_RATES = ["nominatim=1000/s"]
        yield geocoder


def search(client: Client, address: str = "Damrak 1", kind: str = "storagelocation") -> Any:
    return client.post(reverse(f"admin:locations_{kind}_find_address"), {"address": address})


def staff_who_may(client: Client, *codenames: str) -> Client:
    user = StaffFactory()
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    client.force_login(user)
    return client


@pytest.mark.parametrize("kind", KINDS)
def test_answers_candidates_with_their_credit(ops: Client, local: LocalGeocoder, kind: str) -> None:
    assert search(ops, kind=kind).json() == {
        "candidates": [
            {
                "name": "Damrak 1, 1012 LG Amsterdam, Netherlands",
                "latitude": 52.3776,
                "longitude": 4.8979,
                "country": "NL",
            }
        ],
        "credit": {"text": "© OpenStreetMap contributors", "url": "https://www.openstreetmap.org/copyright"},
    }


def test_nothing_found_is_an_empty_list(ops: Client, local: LocalGeocoder) -> None:
    assert search(ops, "Nowhere Street 9").json()["candidates"] == []


@pytest.mark.parametrize("codename", ["add_storagelocation", "change_storagelocation"])
def test_those_who_add_or_change_locations_may_search(
    client: Client, local: LocalGeocoder, codename: str
) -> None:
    assert search(staff_who_may(client, codename)).status_code == 200


def test_others_may_not(client: Client, local: LocalGeocoder) -> None:
    assert search(client).status_code == 302
    client.force_login(UserFactory())
    assert search(client).status_code == 302
    assert search(staff_who_may(client)).status_code == 403
    assert search(staff_who_may(client, "view_storagelocation", "change_deliverylocation")).status_code == 403
    assert not local.asked


def test_is_posted_with_a_token(ops: Client, local: LocalGeocoder) -> None:
    assert ops.get(reverse(SEARCH), {"address": "Damrak 1"}).status_code == 405
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = ops.cookies
    assert search(strict).status_code == 403
    assert not local.asked


@pytest.mark.parametrize("address", ["", "x", "a" * 201, "\0"])
def test_rubbish_is_refused_with_what_to_do(ops: Client, local: LocalGeocoder, address: str) -> None:
    answer = search(ops, address)
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_address")
    assert "street and a town" in answer.json()["detail"]


def test_dead_geocoder_is_told(ops: Client, local: LocalGeocoder) -> None:
    local.faults["nominatim"] = Fault.UNAVAILABLE
    answer = search(ops)
    assert (answer.status_code, answer.json()["code"]) == (503, "address_search_failed")
    assert "Type latitude and longitude" in answer.json()["detail"]


def test_one_user_can_not_search_without_end(
    ops: Client, client: Client, local: LocalGeocoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(addresses, "SEARCHES", addresses.turns.parse_rates("3/min"))
    assert [search(ops).status_code for _ in range(5)] == [200, 200, 200, 429, 429]
    assert "try again in" in search(ops).json()["detail"]
    assert search(staff_who_may(client, "add_storagelocation")).status_code == 200


@pytest.mark.parametrize("kind", KINDS)
def test_page_has_the_box(ops: Client, local: LocalGeocoder, kind: str) -> None:
    page = ops.get(reverse(f"admin:locations_{kind}_add")).content.decode()
    assert f'data-url="{reverse(f"admin:locations_{kind}_find_address")}"' in page
    assert '<label for="glimpse-address-text">' in page


def test_without_a_geocoder_the_page_says_so(ops: Client, local: LocalGeocoder, settings: Any) -> None:
    settings.GEOCODERS = []
    page = ops.get(reverse("admin:locations_storagelocation_add")).content.decode()
    assert "no geocoder is configured. Type latitude and longitude" in page
    assert "data-glimpse-address" not in page
    assert search(ops).json()["code"] == "no_geocoder"


def test_page_that_can_only_be_viewed_has_no_box(client: Client, local: LocalGeocoder) -> None:
    url = reverse("admin:locations_storagelocation_change", args=[StorageFactory().pk])
    page = staff_who_may(client, "view_storagelocation").get(url).content.decode()
    assert "glimpse-address" not in page
