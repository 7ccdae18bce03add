from typing import Any

import pytest

from locations.checks import check_geocoding
from locations.geocoding.configuration import parse_geocoders


@pytest.fixture(autouse=True)
def _nothing_set(settings: Any) -> None:
    settings.GEOCODERS = ["nominatim"]
    settings.GEOCODER_URLS = settings.GEOCODER_KEYS = settings.GEOCODER_RATES = []
    settings.GEOCODER_TIMEOUT_S = 5


@pytest.mark.parametrize("codes", [[], ["nominatim"], [" nominatim ", "nominatim", ""]])
def test_good_settings_are_silent(codes: list[str], settings: Any) -> None:
    settings.GEOCODERS = codes
    assert check_geocoding() == []


def test_public_nominatim_is_asked_once_a_second() -> None:
    [geocoder] = parse_geocoders()
    assert geocoder.url == "https://nominatim.openstreetmap.org/search"
    assert [(rate.turns, rate.window.total_seconds()) for rate in geocoder.rates] == [(1, 1)]
    assert geocoder.user_agent.startswith("Glimpse")


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("GEOCODERS", ["google"], "locationiq, nominatim, opencage"),
        ("GEOCODERS", ["opencage"], "opencage needs a key"),
        ("GEOCODER_KEYS", ["sesame"], "entry 1"),
        ("GEOCODER_KEYS", ["nominatim=a", "mapquest=sesame"], "entry 2"),
        ("GEOCODER_URLS", ["nominatim=ftp://sesame"], "begins with neither"),
        ("GEOCODER_RATES", ["nominatim=often"], "write rates such as 1/s"),
        ("GEOCODER_TIMEOUT_S", 0, "above 0 and at most 10"),
        ("GEOCODER_TIMEOUT_S", 60, "above 0 and at most 10"),
    ],
)
def test_settings_that_make_no_sense_are_named(name: str, value: Any, says: str, settings: Any) -> None:
    setattr(settings, name, value)
    [message] = check_geocoding()
    assert message.msg.startswith(name if name != "GEOCODERS" else "GEOCODER")
    assert says in message.msg
    assert message.hint
    assert "sesame" not in str(message)
