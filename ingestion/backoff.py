"""When a tracker is fetched next. Pure: values in, values out."""

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

MAX_FACTOR = 16
JITTER = 0.05
# Due times fall on a grid of this many points an interval. So trackers that are due at about the same time share a
# request, and a fleet of any size that fits in one costs an account at most as many requests an interval.
SLOTS_PER_INTERVAL = 10
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Pace(NamedTuple):
    """interval: between two fetches that work. longest: what the backoff never exceeds."""

    interval: timedelta
    longest: timedelta


def factor_after_failure(factor: int) -> int:
    """1, 2, 4, 8, 16, 16, …"""
    return min(factor * 2, MAX_FACTOR)


def next_due(*, now: datetime, factor: int, pace: Pace, draw: float) -> datetime:
    """Return when to fetch next after an attempt at `now` that left this backoff factor.

    draw: 0 to 1, moves the moment up to 5 % forward so that load spreads. Never later than the longest backoff,
    which counts at least as much as one interval.
    """
    longest = max(pace.longest, pace.interval)
    delay = min(pace.interval * factor, longest) * (1 - JITTER * draw)
    slot = pace.interval / SLOTS_PER_INTERVAL
    due = _EPOCH + round((now + delay - _EPOCH) / slot) * slot
    return due - slot if due > now + longest else due
