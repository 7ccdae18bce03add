"""What all tests share."""

import os
from typing import Any

import pytest
from django.conf import settings

from tests import laws, plans


def pytest_configure() -> None:
    """A cache for each of pytest-xdist's workers: one must not clear what another counts on."""
    laws.use_profile()
    settings.CACHES["default"]["KEY_PREFIX"] += os.environ.get("PYTEST_XDIST_WORKER", "")


@pytest.fixture
def planner(db: Any) -> None:
    """Statements are planned under the conditions of tests/plans.py until the test ends."""
    plans.set_conditions()
