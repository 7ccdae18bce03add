import pytest
from django.core.cache import cache
from rest_framework.test import APIClient

from foundation import following
from tests.personas import World, make_world


@pytest.fixture(autouse=True)
def own_cache(settings):
    """Throttles count in a cache of this process, empty for each test."""
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    cache.clear()


@pytest.fixture(autouse=True)
def quick_passwords(settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def world(db, monkeypatch) -> World:
    """Who follows is told of what the test's own transaction writes, as if it were committed."""
    monkeypatch.setattr(following, "reading_mark", lambda: following.ReadingMark(2**62, 2**62))
    return make_world()


@pytest.fixture
def as_persona(world):
    """Make an API client that carries the persona's token."""

    def sign_in(persona: str) -> APIClient:
        return world.api_client(persona)

    return sign_in
