"""How late may be what Glimpse does itself: each threshold once, for `/health/` and the start page alike."""

from datetime import timedelta

from django.conf import settings

from ingestion.models import Heartbeat

# Beat asks for its heartbeat every 10 seconds.
MAX_BEAT_AGE = timedelta(seconds=60)
# However short the interval: a fetch that waits for less than that is not overdue by much.
LEAST_OVERDUE = timedelta(minutes=15)


def longest_heartbeat_age(name: Heartbeat.Name) -> timedelta:
    """A service whose last heartbeat is older than that does not run."""
    if name == Heartbeat.Name.FETCH:
        return timedelta(seconds=settings.FETCH_LEASE_S)
    return MAX_BEAT_AGE


def longest_overdue() -> timedelta:
    """For how long a due fetch may wait: two intervals, and at least a quarter of an hour."""
    return max(2 * timedelta(minutes=settings.FETCH_INTERVAL_MINUTES), LEAST_OVERDUE)
