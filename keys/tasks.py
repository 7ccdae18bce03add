"""Background work on key batches. Each run does a bounded piece and passes on the rest."""

from typing import Any

from celery import shared_task
from django.utils import timezone

from keys.services import generating

# Then other tasks have their turn.
TIME_BUDGET_S = 20


@shared_task(acks_late=True, soft_time_limit=110, time_limit=120)
def generate_keys(**_unknown: Any) -> None:
    """Go on with the batches that wait for keys; beat asks for it too, should a worker have died."""
    if generating.drain_batches(clock=timezone.now, time_budget_s=TIME_BUDGET_S):
        generate_keys.delay()
