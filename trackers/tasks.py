"""Background work on histories. Each task does a bounded piece and passes on the rest."""

from typing import Any

from celery import shared_task
from django.utils import timezone

from trackers.services import history
from trackers.services.alerts import borders, evaluating, site_outages
from trackers.services.recomputation import jobs

# A minute's worth: what is left over is taken by the next run, or by another worker.
TRACKERS_PER_LOOK = 20_000
RUNS_PER_LOOK = 500
# So long a task works at recomputations before it lets others have the worker.
RECOMPUTATION_TIME_BUDGET_S = 30
PLACES_TIME_BUDGET_S = 10


@shared_task(acks_late=True, soft_time_limit=50, time_limit=60)
def find_places(**_: Any) -> None:
    """Name the nearest place of trackers that moved."""
    history.find_places(clock=timezone.now, time_budget_s=PLACES_TIME_BUDGET_S)


@shared_task(acks_late=True, soft_time_limit=300, time_limit=330)
def work_off_recomputations(**_: Any) -> None:
    """Go on with the recomputations that changes of fences, runs and assignments asked for."""
    if jobs.work_off(clock=timezone.now, time_budget_s=RECOMPUTATION_TIME_BUDGET_S):
        work_off_recomputations.delay()


@shared_task(acks_late=True, soft_time_limit=240, time_limit=300)
def look_for_alerts(**_: Any) -> None:
    """See which runs have other countries, evaluate the trackers that are due, then outages of sites."""
    now = timezone.now()
    borders.keep_up(most=RUNS_PER_LOOK, now=now)
    evaluating.evaluate_due(most=TRACKERS_PER_LOOK, now=now)
    site_outages.evaluate_sites(now=now)
