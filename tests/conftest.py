"""What all tests share."""

import os

from django.conf import settings

from tests import laws


def pytest_configure() -> None:
    """A cache for each of pytest-xdist's workers: one must not clear what another counts on."""
    laws.use_profile()
    settings.CACHES["default"]["KEY_PREFIX"] += os.environ.get("PYTEST_XDIST_WORKER", "")
