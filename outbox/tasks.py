"""Keeping the partitions of facts: those to come, and those that are old."""

from typing import Any

from celery import shared_task
from django.utils import timezone

from outbox import services
from outbox.partitioning import FACTS


@shared_task(acks_late=True, soft_time_limit=240, time_limit=300)
def keep_partitions_of_facts(**_unknown: Any) -> None:
    """Make the months to come and drop the old ones."""
    FACTS.ensure(now=timezone.now())
    services.drop_old_facts(now=timezone.now())
