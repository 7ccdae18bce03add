import logging
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from tests.admin.worlds import World, build_world
from tests.factories import AdminFactory


@pytest.fixture(autouse=True)
def _no_numbers_kept() -> None:
    cache.clear()


@pytest.fixture(autouse=True)
def _no_tracebacks() -> Iterator[None]:
    """Each refusal would draw a traceback in colours, which takes seconds."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture
def world(db: Any) -> World:
    return build_world(now=timezone.now())


@pytest.fixture
def ops(client: Client, db: Any) -> Client:
    client.force_login(AdminFactory(username="ops"))
    return client
