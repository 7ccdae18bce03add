"""Journeys of the trackers of a run, an order or a client, for `completion`."""

from pathlib import Path

from django.db.models import QuerySet

from trackers.analytics import scopes
from trackers.analytics.completion import Journey
from trackers.models import Assignment

JOURNEYS = (Path(__file__).parent.parent / "sql" / "journeys.sql").read_text()
# A run of more trackers is told by the first of them.
JOURNEYS_READ = 20_000


def journeys(assignments: QuerySet[Assignment]) -> list[Journey]:
    """How far each assignment's tracker has come, by its valid history; at most JOURNEYS_READ of them."""
    first = assignments.filter(
        pk__in=assignments.order_by("tracker_id", "id").values("pk")[:JOURNEYS_READ]
    )
    return [Journey._make(row) for row in scopes.fetch(JOURNEYS, first, {})]
