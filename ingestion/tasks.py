"""Celery shells. They take unknown keyword arguments, so that a rolling deploy survives.

Fetching has a queue of its own, `fetch`, so that slow gateways keep nothing else waiting: its schedule names it.
"""

from typing import Any

from celery import shared_task
from django.utils import timezone

from ingestion.models import Heartbeat
from ingestion.services import fetching, heartbeats, queueing, tidying

# A run claims nothing new after this long; the one at hand may take as long as its lease.
FETCH_TIME_BUDGET_S = 20
# The hard limit of a fetch is shorter than the default lease: no worker outlives its claims.
FETCH_SOFT_LIMIT_S, FETCH_HARD_LIMIT_S = 240, 270
TIDYING_TIME_BUDGET_S = 180


@shared_task(acks_late=True, soft_time_limit=FETCH_SOFT_LIMIT_S, time_limit=FETCH_HARD_LIMIT_S)
def fetch_due_trackers(**_unknown: Any) -> None:
    fetching.fetch_due(clock=timezone.now, time_budget_s=FETCH_TIME_BUDGET_S)


@shared_task(acks_late=True, soft_time_limit=110, time_limit=120)
def sync_fetch_queue(**_unknown: Any) -> None:
    queueing.sync_queue(now=timezone.now())


@shared_task(acks_late=True, soft_time_limit=240, time_limit=300)
def rebuild_fetch_queue(**_unknown: Any) -> None:
    queueing.rebuild_queue(now=timezone.now())


@shared_task(acks_late=True, soft_time_limit=10, time_limit=15)
def beat_heart(**_unknown: Any) -> None:
    """Alive: beat, the broker and a worker for the default queue."""
    heartbeats.beat(name=Heartbeat.Name.BEAT, now=timezone.now())


@shared_task(acks_late=True, soft_time_limit=240, time_limit=300)
def tidy_up(**_unknown: Any) -> None:
    """Delete old tallies and rejected reports."""
    tidying.delete_old(clock=timezone.now, time_budget_s=TIDYING_TIME_BUDGET_S)
