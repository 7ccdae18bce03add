"""Background work on keys. Each task works for a while; what is left is in the rows that it drains."""

from typing import Any

from celery import shared_task
from django.utils import timezone

from keys.services import generating, importing

# A run begins no further batch after this long: then other tasks have their turn.
GENERATION_TIME_BUDGET_S = 20
IMPORT_TIME_BUDGET_S = 100


@shared_task(acks_late=True, soft_time_limit=110, time_limit=120)
def generate_keys(**_unknown: Any) -> None:
    """Go on with the batches that wait for keys; beat asks for it too, should a worker have died."""
    if generating.drain_batches(clock=timezone.now, time_budget_s=GENERATION_TIME_BUDGET_S):
        generate_keys.delay()


@shared_task(acks_late=True, soft_time_limit=240, time_limit=300)
def continue_device_imports(**_unknown: Any) -> None:
    importing.continue_all(clock=timezone.now, time_budget_s=IMPORT_TIME_BUDGET_S)


@shared_task(acks_late=True, soft_time_limit=240, time_limit=300)
def clean_up_device_imports(**_unknown: Any) -> None:
    importing.clean_up(now=timezone.now())
