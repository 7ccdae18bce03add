"""A local geocoder, and settings that name it."""

import secrets
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import cache

from simulation.geocoder import KEY, LocalGeocoder

ALL = ("nominatim", "locationiq", "opencage")


@pytest.fixture
def local() -> Iterator[LocalGeocoder]:
    with LocalGeocoder(slow_s=5) as geocoder:
        yield geocoder


@pytest.fixture(autouse=True)
def _own_redis_keys(settings: Any) -> None:
    settings.REDIS_PREFIX = f"{settings.REDIS_PREFIX}{secrets.token_hex(4)}:"
    cache.clear()


@pytest.fixture(autouse=True)
def _configured(settings: Any, local: LocalGeocoder) -> None:
    """All three, without limits that tests would wait for."""
    settings.GEOCODERS = list(ALL)
    settings.GEOCODER_URLS = [f"{code}={local.url(code)}" for code in ALL]
    settings.GEOCODER_KEYS = [f"locationiq={KEY}", f"opencage={KEY}"]
    settings.GEOCODER_RATES = [f"{code}=1000/s" for code in ALL]
    settings.GEOCODER_TIMEOUT_S = 1.0
    settings.GEOCODER_USER_AGENT = "Glimpse (tests)"
