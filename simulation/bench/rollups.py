"""How fast reports are rolled up into hours and days."""

from datetime import datetime
from functools import partial

from django.db import transaction

from simulation.bench.measures import timed
from trackers.models import LocationReport, Tracker
from trackers.services import history

TRACKERS_PER_TRANSACTION = 50
REPORTS_WANTED = 50_000


def measure(*, now: datetime) -> dict[str, float]:
    """Rebuild the rollups of whole trackers that stand in the store, 50 at a time, until enough reports are done."""
    reports, seconds = 0, 0.0
    after = 0
    while reports < REPORTS_WANTED:
        ids = list(
            Tracker.objects.filter(pk__gt=after)
            .order_by("pk")
            .values_list("pk", flat=True)[:TRACKERS_PER_TRANSACTION]
        )
        if not ids:
            break
        reports += LocationReport.objects.filter(tracker__in=ids).count()
        with transaction.atomic():
            seconds += timed(partial(history.rebuild_rollups, tracker_ids=ids))[0]
        after = ids[-1]
    return {"rollup_rows_per_s": round(reports / seconds)}
