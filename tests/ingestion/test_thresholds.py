"""One threshold for `/health/` and the start page."""

from datetime import timedelta

import pytest

from ingestion import thresholds
from ingestion.models import Heartbeat


@pytest.mark.parametrize(
    ("interval_minutes", "longest_minutes"), [(20, 40), (60, 120), (0.5, 15), (7.5, 15), (8, 16)]
)
def test_fetch_is_overdue_too_long_after_two_intervals_and_a_quarter_of_an_hour(
    settings, interval_minutes, longest_minutes
):
    settings.FETCH_INTERVAL_MINUTES = interval_minutes
    assert thresholds.longest_overdue() == timedelta(minutes=longest_minutes)


def test_heartbeat_of_fetching_may_be_as_old_as_a_lease(settings):
    settings.FETCH_LEASE_S = 123
    assert thresholds.longest_heartbeat_age(Heartbeat.Name.FETCH) == timedelta(seconds=123)
    assert thresholds.longest_heartbeat_age(Heartbeat.Name.BEAT) == timedelta(seconds=60)
