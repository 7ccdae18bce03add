"""Background work on reports, histories and alerts. Each task does a bounded batch and leaves the rest to the next."""

from typing import Any

from celery import shared_task
from django.utils import timezone

from trackers.services import alerts, history, partitioning, recomputation, reports

# A minute's worth: what is left over is taken by the next run, or by another worker.
TRACKERS_PER_EVALUATION = 20_000
RUNS_PER_EVALUATION = 500
# A task works at recomputations for this long before it lets others have the worker.
RECOMPUTATION_TIME_BUDGET_S = 30
PLACES_TIME_BUDGET_S = 10
VERIFYING_TIME_BUDGET_S = 120
RETENTION_TIME_BUDGET_S = 180


@shared_task(acks_late=True, soft_time_limit=50, time_limit=60)
def find_places(**_: Any) -> None:
    """Name the nearest place of trackers that moved."""
    history.find_places(clock=timezone.now, time_budget_s=PLACES_TIME_BUDGET_S)


@shared_task(acks_late=True, soft_time_limit=300, time_limit=330)
def work_off_recomputations(**_: Any) -> None:
    """Go on with the recomputations that changes of fences, runs and assignments asked for."""
    if recomputation.work_off(clock=timezone.now, time_budget_s=RECOMPUTATION_TIME_BUDGET_S):
        work_off_recomputations.delay()


@shared_task(acks_late=True, soft_time_limit=240, time_limit=300)
def evaluate_alerts(**_: Any) -> None:
    """See which runs have other countries, evaluate the trackers that are due, then outages of sites; go on if more
    are due."""
    now = timezone.now()
    alerts.keep_up_countries(most=RUNS_PER_EVALUATION, now=now)
    evaluated = alerts.evaluate_due(most=TRACKERS_PER_EVALUATION, now=now)
    alerts.evaluate_sites(now=now)
    if evaluated == TRACKERS_PER_EVALUATION:
        evaluate_alerts.delay()


@shared_task(acks_late=True, soft_time_limit=240, time_limit=300)
def verify_timelines(**_: Any) -> None:
    """Compare the histories whose turn it is with their reports, and repair them."""
    recomputation.verify_due(clock=timezone.now, time_budget_s=VERIFYING_TIME_BUDGET_S)


@shared_task(acks_late=True, soft_time_limit=240, time_limit=300)
def make_report_partitions(**_: Any) -> None:
    partitioning.REPORTS.ensure(now=timezone.now())


@shared_task(acks_late=True, soft_time_limit=240, time_limit=300)
def drop_old_reports(**_: Any) -> None:
    """Announce months, and drop those whose notice is over."""
    reports.announce_months(now=timezone.now())
    reports.drop_due_months(clock=timezone.now, time_budget_s=RETENTION_TIME_BUDGET_S)
