"""Journeys of the trackers of a run, an order or a client, for `completion`."""

from typing import NamedTuple

from django.db.models import Count, Exists, OuterRef, QuerySet

from clients.models import ProductionRun
from foundation import sql
from trackers.analytics import scopes
from trackers.analytics.completion import Journey
from trackers.models import Assignment, GeoStatus, StatusChange

JOURNEYS = sql.load("trackers/journeys")
# A run of more trackers is told by the first of them.
JOURNEYS_READ = 20_000


def journeys(assignments: QuerySet[Assignment]) -> list[Journey]:
    """How far each assignment's tracker has come, by its valid history; at most JOURNEYS_READ of them."""
    first = assignments.filter(pk__in=assignments.order_by("tracker_id", "id").values("pk")[:JOURNEYS_READ])
    return scopes.fetch_rows(JOURNEYS, first, {}, Journey)


class RunShare(NamedTuple):
    """How many of a run's assignments are delivered, or were."""

    run: ProductionRun
    trackers: int
    delivered: int

    @property
    def percent(self) -> float:
        return round(100 * self.delivered / self.trackers, 1) if self.trackers else 0.0


def latest_runs(assignments: QuerySet[Assignment], limit: int) -> list[RunShare]:
    """The runs of these assignments that end last, with their delivered share."""
    runs = ProductionRun.objects.filter(pk__in=assignments.order_by().values("run"))
    chosen = list(runs.select_related("brand__client").order_by("-end_date", "-pk")[:limit])
    delivered = StatusChange.objects.valid().filter(assignment=OuterRef("pk"), status=GeoStatus.DELIVERED)
    counted = assignments.filter(run__in=chosen).order_by().values("run")
    numbers = {
        row["run"]: (row["trackers"], row["arrived"])
        for row in counted.annotate(trackers=Count("pk"), arrived=Count("pk", filter=Exists(delivered)))
    }
    return [RunShare(run, *numbers[run.pk]) for run in chosen]
