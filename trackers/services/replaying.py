"""Rebuilds whole assignments from their reports, after something other than a report changed."""

from collections.abc import Collection
from datetime import datetime

from django.db import transaction

from trackers.services import locking, summaries, windows
from trackers.services.rewriting import Rewritten, rewrite


def replay_trackers(*, tracker_ids: Collection[int], now: datetime) -> Rewritten:
    """Recompute all assignments of the trackers, write the difference and refresh their rows, in one transaction.

    The result names the trackers of which anything was not right.
    Raises `locking.UnknownTracker` if one doesn't exist.
    """
    with transaction.atomic():
        locking.lock_trackers(tracker_ids)
        rewritten = rewrite(windows.whole(windows.load_scopes(tracker_ids)), now=now)
        rewritten.tracker_ids |= summaries.refresh_trackers(tracker_ids, now=now)
    return rewritten
