"""Background work on histories. Each task does a bounded piece and passes on the rest."""

from typing import Any

from celery import shared_task
from django.utils import timezone

from trackers.services import working

# So long a task works at replays before it lets others have the worker.
TIME_BUDGET_S = 30


@shared_task(acks_late=True, soft_time_limit=300, time_limit=330)
def work_off_replays(**_: Any) -> None:
    """Go on with the replays that changes of fences and runs asked for."""
    if working.work_off(clock=timezone.now, time_budget_s=TIME_BUDGET_S):
        work_off_replays.delay()
