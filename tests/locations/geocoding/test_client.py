"""Each provider's format over real HTTP, and what it answers when it fails."""

import time
from typing import Any

import pytest
from django.utils import timezone

from locations.geocoding.client import Geocoder
from locations.geocoding.configuration import parse_geocoders
from locations.geocoding.errors import (
    GeocoderError,
    MalformedError,
    RefusedError,
    ThrottledError,
    UnreachableError,
)
from locations.geocoding.provider import Candidate
from simulation.geocoder import KEY, RETRY_AFTER_S, Fault, LocalGeocoder
from tests.locations.geocoding.conftest import ALL

DAMRAK = Candidate("Damrak 1, 1012 LG Amsterdam, Netherlands", 52.3776, 4.8979, "NL")
providers = pytest.mark.parametrize("code", ALL)


def geocoder(code: str) -> Geocoder:
    return next(each for each in parse_geocoders() if each.provider.code == code)


@providers
def test_finds_places_best_first(code: str) -> None:
    found = geocoder(code).candidates("Damrak, Amsterdam", clock=timezone.now)
    assert found[0] == DAMRAK
    assert [place.name for place in found] == [DAMRAK.name, "Damrak, Amsterdam, Netherlands"]


@providers
def test_finds_nothing(code: str) -> None:
    assert geocoder(code).candidates("Nowhere Street 9", clock=timezone.now) == []


@providers
def test_takes_what_is_not_ascii_and_a_place_without_a_country(code: str) -> None:
    [square] = geocoder(code).candidates("Praça do Comércio", clock=timezone.now)
    assert (square.country, round(square.longitude)) == ("PT", -9)
    assert geocoder(code).candidates("Null Island", clock=timezone.now) == [
        Candidate("Null Island", 0.0, 0.0, "")
    ]


@providers
def test_says_who_asks(code: str, local: LocalGeocoder) -> None:
    geocoder(code).candidates("Damrak", clock=timezone.now)
    assert local.headers["User-Agent"] == "Glimpse (tests)"


@providers
@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (Fault.THROTTLED, ThrottledError),
        (Fault.UNAVAILABLE, UnreachableError),
        (Fault.FORBIDDEN, RefusedError),
        (Fault.MOVED, RefusedError),
        (Fault.EMPTY, MalformedError),
        (Fault.MALFORMED, MalformedError),
        (Fault.WRONG_SHAPE, MalformedError),
        (Fault.NOWHERE, MalformedError),
        (Fault.CUT, MalformedError),
        (Fault.HUGE, MalformedError),
    ],
)
def test_faults_have_their_errors(
    code: str, fault: Fault, kind: type[GeocoderError], local: LocalGeocoder
) -> None:
    local.faults[code] = fault
    with pytest.raises(GeocoderError) as caught:
        geocoder(code).candidates("Damrak", clock=timezone.now)
    assert type(caught.value) is kind
    assert KEY not in str(caught.value)


def test_a_limit_that_names_a_time_is_believed_up_to_an_hour(local: LocalGeocoder) -> None:
    local.faults["nominatim"] = Fault.THROTTLED
    with pytest.raises(ThrottledError) as caught:
        geocoder("nominatim").candidates("Damrak", clock=timezone.now)
    assert caught.value.rest_s == RETRY_AFTER_S
    assert ThrottledError("", 1e9).rest_s == 3600
    assert ThrottledError("").rest_s == 60


@pytest.mark.parametrize("fault", [Fault.SLOW, Fault.TRICKLING])
def test_timeout_is_honoured(fault: Fault, local: LocalGeocoder, settings: Any) -> None:
    """Also by an answer of which a byte comes now and then, each before a wait for bytes ends."""
    settings.GEOCODER_TIMEOUT_S = 0.4
    local.slow_s = 0.1 if fault is Fault.TRICKLING else 5
    local.faults["nominatim"] = fault
    began = time.monotonic()
    with pytest.raises(UnreachableError, match=r"no answer within 0\.4 s"):
        geocoder("nominatim").candidates("Damrak", clock=timezone.now)
    assert time.monotonic() - began < 2


@providers
def test_nobody_listens(code: str, settings: Any) -> None:
    settings.GEOCODER_URLS = [f"{code}=http://127.0.0.1:9/search"]
    with pytest.raises(UnreachableError) as caught:
        geocoder(code).candidates("Damrak", clock=timezone.now)
    assert KEY not in f"{caught.value} {caught.value.__cause__}"


def test_a_wrong_key_is_refused(settings: Any) -> None:
    settings.GEOCODER_KEYS = ["locationiq=wrong-one", "opencage=wrong-one"]
    for code in ("locationiq", "opencage"):
        with pytest.raises(RefusedError, match="answers 401"):
            geocoder(code).candidates("Damrak", clock=timezone.now)


def test_a_wrong_address_of_the_server_is_no_empty_answer(settings: Any, local: LocalGeocoder) -> None:
    settings.GEOCODER_URLS = [f"locationiq={local.url('locationiq')}/elsewhere"]
    with pytest.raises(RefusedError, match="answers 404"):
        geocoder("locationiq").candidates("Damrak", clock=timezone.now)
