"""Drops months of facts that are old enough; a reader that has not got them all is told so."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.db import transaction

from foundation import bulk, sql
from foundation.partitions import months_later
from outbox.models import DroppedMonth
from outbox.partitioning import FACTS

log = structlog.get_logger(__name__)

LAST_OF_MONTH = sql.load("outbox/last_of_month")


@dataclass(frozen=True, slots=True)
class LastFact:
    txid: int
    number: int


def drop_old_facts(*, now: datetime) -> list[str]:
    """Drop the months that ended OUTBOX_RETENTION_DAYS ago, each in a transaction of its own; returns their names.

    Nothing goes where facts are kept for ever (0 days). Raises `OperationalError` if the table can't be locked within
    5 s; the next call goes on from there.
    """
    if not settings.OUTBOX_RETENTION_DAYS:
        return []
    cutoff = now - timedelta(days=settings.OUTBOX_RETENTION_DAYS)
    dropped = []
    for partition in FACTS.existing():
        month = FACTS.month_of(partition.name)
        if month is not None and months_later(month, 1) <= cutoff:
            _drop(month, now)
            dropped.append(partition.name)
    return dropped


def _drop(month: datetime, now: datetime) -> None:
    with transaction.atomic():
        last = bulk.fetch_rows(LAST_OF_MONTH, {"since": month, "until": months_later(month, 1)}, LastFact)
        if last:
            DroppedMonth.objects.update_or_create(
                starts_at=month,
                defaults={"last_txid": last[0].txid, "last_id": last[0].number, "dropped_at": now},
            )
        FACTS.drop(month)
    log.info("facts_dropped", month=f"{month:%Y-%m}")
