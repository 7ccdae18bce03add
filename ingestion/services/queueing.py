"""Who is in the fetch queue: written to PostgreSQL first and to its index in Redis after the commit.

A crash between the two is repaired by the next sync, which also rebuilds an index that Redis has lost.
"""

from dataclasses import dataclass
from datetime import datetime

from django.db import connection, transaction
from django.db.models import Exists, OuterRef

from foundation.batching import batches
from ingestion import selectors
from ingestion.models import FetchState
from ingestion.queue import fetch_queue

# Two syncs at once would make work, not harm; the second one leaves it to the first.
SYNC_LOCK = 7_310_001
ROWS_PER_STATEMENT = 1000


@dataclass(slots=True)
class SyncOutcome:
    """added, removed: trackers. restored: entries of the index that were missing or wrong."""

    added: int = 0
    removed: int = 0
    restored: int = 0


def sync_queue(*, now: datetime) -> SyncOutcome:
    """Queue the trackers that are to be fetched, due now, and take out the others."""
    outcome = SyncOutcome()
    with transaction.atomic():
        if not _lock():
            return outcome
        removed = _take_out(now)
        added = _put_in(now)
        queued = FetchState.objects.queued().count()
    queue = fetch_queue()
    for batch in batches(removed, ROWS_PER_STATEMENT):
        queue.remove(batch)
    for batch in batches(added, ROWS_PER_STATEMENT):
        queue.restore(dict.fromkeys(batch, now), now=now)
    outcome.added, outcome.removed = len(added), len(removed)
    if len(queue) != queued:
        outcome.restored = rebuild_queue(now=now)
    return outcome


def rebuild_queue(*, now: datetime) -> int:
    """Bring the index in step with FetchState, beside running workers: no lease is stolen, no tracker lost.

    Returns how many entries were missing, wrong or too many.
    """
    queue = fetch_queue()
    changed = 0
    for tracker_ids in queue.tracker_ids(batch_size=ROWS_PER_STATEMENT):
        # In this order: whatever is queued meanwhile is written to PostgreSQL before it is in the index.
        changed += queue.remove(sorted(set(tracker_ids) - selectors.queued_among(tracker_ids)))
    for dues in selectors.queued_by_id(batch_size=ROWS_PER_STATEMENT):
        changed += queue.restore(dues, now=now)
    return changed


def _take_out(now: datetime) -> list[int]:
    fetchable = selectors.fetchable_trackers(now=now).filter(pk=OuterRef("tracker"))
    ended = FetchState.objects.queued().filter(~Exists(fetchable))
    ids = list(ended.values_list("tracker_id", flat=True))
    FetchState.objects.filter(tracker__in=ids).update(next_due_at=None)
    return ids


def _put_in(now: datetime) -> list[int]:
    queued = FetchState.objects.queued().filter(tracker=OuterRef("pk"))
    missing = selectors.fetchable_trackers(now=now).filter(~Exists(queued)).order_by("pk")
    ids = list(missing.values_list("pk", flat=True))
    FetchState.objects.bulk_create(
        [FetchState(tracker_id=tracker_id, next_due_at=now) for tracker_id in ids],
        batch_size=ROWS_PER_STATEMENT,
        update_conflicts=True,
        unique_fields=["tracker"],
        update_fields=["next_due_at", "backoff_factor", "consecutive_failures"],
    )
    return ids


def _lock() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [SYNC_LOCK])
        return bool(cursor.fetchone()[0])
