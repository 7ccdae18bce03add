"""Deletes what nobody asks for any more: daily counts, and payloads that could not be used."""

from datetime import UTC, date, timedelta

import structlog
from django.conf import settings

from foundation import batching, bulk
from foundation.deadlines import Clock, Deadline
from ingestion.models import AccountTally, FetchTally
from trackers.models import Tracker
from trackers.services import reports

log = structlog.get_logger(__name__)

TRACKERS_PER_DELETION = 5_000
# By tracker, since that is how the tallies' key begins: no index of its own for a deletion a day.
DELETE_TALLIES = f"""
DELETE FROM {FetchTally._meta.db_table} AS tally
USING unnest(%(tracker_ids)b::bigint[]) AS chosen (tracker_id)
WHERE tally.tracker_id = chosen.tracker_id AND tally.day < %(day)s
"""  # noqa: S608


def delete_old(*, clock: Clock, time_budget_s: float) -> dict[str, int]:
    """Delete tallies and rejected reports that are older than the settings say, in small batches.

    Returns how many of each went. What the time does not suffice for goes with the next call.
    """
    deadline = Deadline(clock, time_budget_s)
    now = deadline.began_at
    deleted = {"tallies": 0, "rejected": 0}
    if settings.REJECTED_RETENTION_DAYS:
        before = now - timedelta(days=settings.REJECTED_RETENTION_DAYS)
        deleted["rejected"] = reports.delete_old_rejections(before=before, deadline=deadline)
    if settings.TALLY_RETENTION_DAYS:
        day = (now - timedelta(days=settings.TALLY_RETENTION_DAYS)).astimezone(UTC).date()
        deleted["tallies"] = _delete_tallies(day, deadline)
    if any(deleted.values()):
        log.info("tidied_up", **deleted)
    return deleted


def _delete_tallies(day: date, deadline: Deadline) -> int:
    deleted, _ = AccountTally.objects.filter(day__lt=day).delete()
    for ids in batching.batches_of_ids(Tracker.objects.all(), size=TRACKERS_PER_DELETION):
        if deadline.passed:
            break
        deleted += bulk.execute(DELETE_TALLIES, {"tracker_ids": ids, "day": day})
    return deleted
