"""The order of geocoders, what is kept of their answers, and what is said when none can be asked."""

import time
from typing import Any

import pytest
from django.core.cache import cache
from django.db import transaction
from django.utils import timezone

from foundation.errors import OpenTransactionError
from locations.geocoding import remembering
from locations.geocoding.errors import AddressSearchError, BadAddressError, NoGeocoderError
from locations.geocoding.searching import Found, find_addresses, read_address
from simulation.geocoder import KEY, Fault, LocalGeocoder
from tests.locations.geocoding.conftest import ALL


def find(text: str = "Damrak 1") -> Found:
    return find_addresses(text=text, clock=timezone.now)


def test_the_first_geocoder_answers_and_is_credited(local: LocalGeocoder) -> None:
    found = find()
    assert [place.country for place in found.candidates] == ["NL"]
    assert found.credit.text == "© OpenStreetMap contributors"
    assert local.asked == {"nominatim": 1}


@pytest.mark.parametrize("fault", [each for each in Fault if each not in (Fault.SLOW, Fault.TRICKLING)])
def test_one_that_fails_is_made_good_by_the_next(fault: Fault, local: LocalGeocoder) -> None:
    local.faults = {"nominatim": fault, "locationiq": fault}
    found = find()
    assert (len(found.candidates), found.credit.text.split(",")[0]) == (1, "OpenCage")
    assert local.asked == {"nominatim": 1, "locationiq": 1, "opencage": 1}


def test_a_slow_one_is_made_good_by_the_next(local: LocalGeocoder, settings: Any) -> None:
    settings.GEOCODER_TIMEOUT_S = 0.3
    local.faults["nominatim"] = Fault.SLOW
    assert find().credit.text.startswith("Search by LocationIQ.com")


def test_order_is_that_of_the_setting(local: LocalGeocoder, settings: Any) -> None:
    settings.GEOCODERS = ["opencage", "nominatim"]
    find()
    assert local.asked == {"opencage": 1}


def test_that_nothing_is_found_is_an_answer(local: LocalGeocoder) -> None:
    assert find("Nowhere Street 9").candidates == []
    assert local.asked == {"nominatim": 1}


def test_a_failed_one_rests_and_is_asked_again_later(local: LocalGeocoder) -> None:
    local.faults["nominatim"] = Fault.THROTTLED
    find("Damrak 1")
    find("Rathausplatz")
    assert (local.asked["nominatim"], local.asked["locationiq"]) == (1, 2)
    cache.delete("geocoder:rests:nominatim")
    del local.faults["nominatim"]
    assert find("Null Island").credit.text == "© OpenStreetMap contributors"


def test_all_failed_says_why_and_that_coordinates_can_be_typed(local: LocalGeocoder) -> None:
    local.faults = {"nominatim": Fault.UNAVAILABLE, "locationiq": Fault.FORBIDDEN, "opencage": Fault.EMPTY}
    with pytest.raises(AddressSearchError) as caught:
        find()
    message = caught.value.message
    assert "nominatim answers 500; locationiq answers 403; opencage an answer that can't be read" in message
    assert message.endswith("Type latitude and longitude, or click the map.")
    assert (caught.value.status, KEY in message) == (503, False)


def test_failure_is_not_remembered(local: LocalGeocoder, settings: Any) -> None:
    settings.GEOCODERS = ["nominatim"]
    local.faults["nominatim"] = Fault.MALFORMED
    with pytest.raises(AddressSearchError):
        find()
    del local.faults["nominatim"]
    assert len(find().candidates) == 1


def test_answer_is_kept_whatever_the_spelling(local: LocalGeocoder) -> None:
    first = find("Damrak 1")
    assert find("  DAMRAK \t 1\n") == first
    assert local.asked == {"nominatim": 1}


def test_that_nothing_is_found_is_kept_for_a_shorter_time(local: LocalGeocoder) -> None:
    for _ in range(2):
        assert find("Nowhere Street 9").candidates == []
    find("Damrak 1")
    assert local.asked == {"nominatim": 2}
    assert kept_s("Nowhere Street 9") == pytest.approx(6 * 3600, abs=60)
    assert kept_s("Damrak 1") == pytest.approx(30 * 86_400, abs=60)


def kept_s(query: str) -> int:
    key = cache.make_key(remembering._slot(query))
    return cache._cache.get_client(key).ttl(key)


def test_answer_is_kept_as_long_as_its_geocoder_is_configured(local: LocalGeocoder, settings: Any) -> None:
    find()
    settings.GEOCODERS = ["opencage"]
    assert find().credit.text.startswith("OpenCage")
    assert local.asked == {"nominatim": 1, "opencage": 1}


def test_kept_answer_needs_no_geocoder_that_lives(local: LocalGeocoder) -> None:
    local.faults["nominatim"] = Fault.UNAVAILABLE
    first = find()
    local.faults |= dict.fromkeys(ALL, Fault.UNAVAILABLE)
    assert find() == first


def test_addresses_that_share_a_slot_are_not_mixed_up(
    local: LocalGeocoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There are SLOTS slots and no more: the later answer takes the place of the earlier."""
    monkeypatch.setattr(remembering, "SLOTS", 1)
    damrak = find("Damrak 1")
    assert find("Rathausplatz") != damrak
    assert find("Damrak 1") == damrak
    assert local.asked == {"nominatim": 3}


def test_limit_used_up_falls_through_to_the_next(local: LocalGeocoder, settings: Any) -> None:
    settings.GEOCODER_RATES = ["nominatim=1/hour"]
    find("Damrak 1")
    find("Rathausplatz")
    assert local.asked == {"nominatim": 1, "locationiq": 1}


def test_short_wait_for_a_turn_is_waited_for(local: LocalGeocoder, settings: Any) -> None:
    settings.GEOCODER_RATES = ["nominatim=1/s"]
    waits: list[float] = []

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        time.sleep(seconds)

    for text in ("Damrak 1", "Rathausplatz"):
        find_addresses(text=text, clock=timezone.now, sleep=sleep)
    assert local.asked == {"nominatim": 2}
    assert 0.1 < sum(waits) <= 1


def test_patience_ends(local: LocalGeocoder, settings: Any) -> None:
    """Others may take each turn that we wait for."""
    settings.GEOCODER_RATES = ["nominatim=1/s"]
    waits: list[float] = []
    find("Damrak 1")
    found = find_addresses(text="Rathausplatz", clock=timezone.now, sleep=waits.append)
    assert found.credit.text.startswith("Search by LocationIQ.com")
    assert sum(waits) <= 2


@pytest.mark.django_db
def test_refuses_within_a_transaction(local: LocalGeocoder) -> None:
    with transaction.atomic(), pytest.raises(OpenTransactionError):
        find()
    assert not local.asked


def test_without_a_geocoder_says_so(settings: Any) -> None:
    settings.GEOCODERS = []
    with pytest.raises(NoGeocoderError, match=r"no geocoder is configured.+Type latitude"):
        find()


def test_wrong_settings_are_told_without_a_key(settings: Any) -> None:
    settings.GEOCODER_KEYS = ["sesame"]
    with pytest.raises(NoGeocoderError) as caught:
        find()
    assert "sesame" not in caught.value.message


def test_without_redis_coordinates_can_be_typed(settings: Any, local: LocalGeocoder) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:9/0"
    with pytest.raises(AddressSearchError, match=r"Redis is out of reach.+Type latitude"):
        find()
    assert not local.asked


@pytest.mark.parametrize("text", ["", " ", "x", "\0\0\0", "a" * 201, "\ud800" * 9, "\n\t"])
def test_what_is_no_address_is_refused(text: str, local: LocalGeocoder) -> None:
    with pytest.raises(BadAddressError, match="2 to 200 characters"):
        find(text)
    assert not local.asked


def test_address_is_brought_into_one_form() -> None:
    assert read_address(" Ｄａｍｒａｋ\u00a0 1\x07\r\n Amsterdam ") == "Damrak 1 Amsterdam"
