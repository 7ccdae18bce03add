"""What is derived from reports and history on the trackers' own rows."""

from collections.abc import Collection
from datetime import datetime

from django.db import transaction

from clients import bulk
from locations import places
from trackers.models import Tracker
from trackers.services import locking
from trackers.services.windows import SQL

TRACKERS_PER_TRANSACTION = 500

REFRESH_TRACKERS = (
    (SQL / "refresh_trackers.sql")
    .read_text()
    .format(
        truth=places.statement(
            points=(SQL / "trackers_as_they_stand.sql").read_text(),
            columns=[
                "tracker_id",
                "assignment_id",
                "status",
                "location_id",
                "started_at",
                "seen_at",
                "received_at",
                "at",
                "accuracy_m",
                "battery",
            ],
        )
    )
)


def refresh_trackers(tracker_ids: Collection[int], *, now: datetime) -> set[int]:
    """Make the trackers' rows say how their latest assignment stands; returns the trackers that said otherwise."""
    return {
        row[0] for row in bulk.fetch_all(REFRESH_TRACKERS, {"tracker_ids": list(tracker_ids), "now": now})
    }


def refresh_all_trackers(*, now: datetime) -> int:
    """Bring every tracker's row up to date, a few in a transaction; returns how many said otherwise."""
    changed, after = 0, 0
    while ids := list(
        Tracker.objects.filter(pk__gt=after)
        .order_by("pk")
        .values_list("pk", flat=True)[:TRACKERS_PER_TRANSACTION]
    ):
        with transaction.atomic():
            locking.lock_trackers(ids)
            changed += len(refresh_trackers(ids, now=now))
        after = ids[-1]
    return changed
