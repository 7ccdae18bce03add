import pytest
from django.core.cache import cache
from rest_framework.test import APIClient

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
def world(db) -> World:
    return make_world()


@pytest.fixture
def as_persona(world):
    """Make an API client that carries the persona's token."""

    def sign_in(persona: str) -> APIClient:
        return world.api_client(persona)

    return sign_in
