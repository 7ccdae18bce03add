"""Drops months of reports that are old enough: announced first, then rolled up, then gone with their events.

ENTRY, EXIT and the status history stay for ever, and so do the rollups; of each assignment that goes on the last report
that counts is kept, for the plausibility of the next. Each step is bounded and committed with its
progress on the month's row, so that a run may end anywhere and the next one goes on from there.
"""

from collections.abc import Collection, Iterator
from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.db import transaction

from foundation import batching, bulk, partitions, sql
from foundation.deadlines import Clock, Deadline
from foundation.errors import DomainError
from trackers.models import RetiredMonth, Tracker
from trackers.services import history, locking, partitioning

log = structlog.get_logger(__name__)

TRACKERS_NOT_ROLLED_UP = sql.load("trackers/trackers_not_rolled_up")
DELETE_OLD_EVENTS = sql.load("trackers/delete_old_events")
KEEP_LAST_ACCEPTED = sql.load("trackers/keep_last_accepted")

TRACKERS_PER_ROLL_UP = 500
# A tracker has up to two thousand events a month: a transaction deletes some ten thousands of rows, within a second.
TRACKERS_PER_DELETION = 20


class NotToBeHeldError(DomainError):
    """A month that is being dropped, or is gone."""

    code = "month_not_to_be_held"


def announce_months(*, now: datetime) -> list[RetiredMonth]:
    """Say which months of reports will be dropped: those that ended REPORT_RETENTION_DAYS ago. Returns the new ones.

    Nothing is announced where reports are kept for ever (0 days).
    """
    if not settings.REPORT_RETENTION_DAYS:
        return []
    cutoff = now - timedelta(days=settings.REPORT_RETENTION_DAYS)
    known = set(RetiredMonth.objects.values_list("starts_at", flat=True))
    announced = []
    for partition in partitioning.REPORTS.existing():
        month = partitioning.REPORTS.month_of(partition.name)
        if month is None or month in known or partitions.months_later(month, 1) > cutoff:
            continue
        announced.append(
            RetiredMonth.objects.create(
                starts_at=month,
                ends_at=partitions.months_later(month, 1),
                announced_at=now,
                drop_after=now + timedelta(days=settings.RETENTION_NOTICE_DAYS),
                reports_estimated=partition.rows_estimated,
                size_bytes=partition.size_bytes,
            )
        )
        log.warning(
            "reports_will_be_dropped",
            month=f"{month:%Y-%m}",
            drop_after=announced[-1].drop_after.isoformat(),
            reports_estimated=partition.rows_estimated,
            size_bytes=partition.size_bytes,
        )
    return announced


def hold_months(*, months: Collection[RetiredMonth]) -> int:
    """Keep these months, and with them those after, until they are released. Raises NotToBeHeldError, and holds
    none."""
    return _move(months, RetiredMonth.State.ANNOUNCED, RetiredMonth.State.HELD)


def release_months(*, months: Collection[RetiredMonth]) -> int:
    """Let held months go as announced. Raises NotToBeHeldError, and releases none."""
    return _move(months, RetiredMonth.State.HELD, RetiredMonth.State.ANNOUNCED)


def due_months(*, now: datetime) -> list[RetiredMonth]:
    """The months to be dropped now, oldest first. A month that is not due yet, or held, keeps those after it."""
    ready = []
    for month in RetiredMonth.objects.exclude(state=RetiredMonth.State.DROPPED).order_by("starts_at"):
        begun = month.state == RetiredMonth.State.DROPPING
        if not begun and (
            month.state == RetiredMonth.State.HELD or month.drop_after > now or not _is_old(month, now)
        ):
            break
        ready.append(month)
    return ready


def drop_due_months(*, clock: Clock, time_budget_s: float) -> list[RetiredMonth]:
    """Drop the months that are due, as far as the time goes. Returns those that are gone.

    Raises `OperationalError` if the table can't be locked within 5 s; the next call goes on from there.
    """
    deadline = Deadline(clock, time_budget_s)
    now = deadline.began_at
    gone = []
    for month in due_months(now=now):
        if not (_roll_up(month, deadline) and _delete_events(month, now, deadline)):
            break
        _drop(month, now)
        gone.append(month)
    return gone


def _move(months: Collection[RetiredMonth], old: str, new: str) -> int:
    with transaction.atomic():
        moved = RetiredMonth.objects.filter(pk__in=[month.pk for month in months], state=old).update(
            state=new
        )
        if moved != len(months):
            raise NotToBeHeldError(
                "Some of these are not in a state to be changed: reload the page and try again."
            )
    return moved


def _is_old(month: RetiredMonth, now: datetime) -> bool:
    """The setting may have changed since the announcement."""
    days = settings.REPORT_RETENTION_DAYS
    return bool(days) and month.ends_at <= now - timedelta(days=days)


def _roll_up(month: RetiredMonth, deadline: Deadline) -> bool:
    """Make sure that every report of the month is in the rollups; True when that is so."""

    span = {"since": month.starts_at, "until": month.ends_at}
    for tracker_ids in _batches(month.rolled_up_to, TRACKERS_PER_ROLL_UP):
        if deadline.passed:
            return False
        missing = bulk.fetch_values(TRACKERS_NOT_ROLLED_UP, span | {"tracker_ids": tracker_ids})
        if missing:
            history.rebuild_rollups(tracker_ids=missing, since=month.starts_at, until=month.ends_at)
            log.warning("reports_were_not_rolled_up", month=str(month), trackers=len(missing))
        month.rolled_up_to = tracker_ids[-1]
        month.save(update_fields=["rolled_up_to"])
    return True


def _delete_events(month: RetiredMonth, now: datetime, deadline: Deadline) -> bool:
    """After this the month counts as gone: the cutoff moves first, so that no recomputation misses what is
    deleted."""
    with transaction.atomic():
        claimed = RetiredMonth.objects.filter(
            pk=month.pk, state__in=[RetiredMonth.State.ANNOUNCED, RetiredMonth.State.DROPPING]
        ).update(state=RetiredMonth.State.DROPPING)
        if not claimed:
            return False
        history.advance_cutoff(reports_kept_from=month.ends_at, now=now)

    for tracker_ids in _batches(month.events_deleted_to, TRACKERS_PER_DELETION):
        if deadline.passed:
            return False
        with transaction.atomic():
            locking.lock_trackers(tracker_ids)
            parameters = {"tracker_ids": tracker_ids, "until": month.ends_at}
            bulk.execute(KEEP_LAST_ACCEPTED, parameters)
            month.events_deleted += bulk.execute(DELETE_OLD_EVENTS, parameters)
            month.events_deleted_to = tracker_ids[-1]
            month.save(update_fields=["events_deleted", "events_deleted_to"])
    return True


def _batches(after: int, size: int) -> Iterator[list[int]]:
    """All trackers, from where the last call got to."""
    return batching.batches_of_ids(Tracker.objects.all(), size=size, after=after)


def _drop(month: RetiredMonth, now: datetime) -> None:
    with transaction.atomic():
        partitioning.REPORTS.drop(month.starts_at)
        month.state, month.dropped_at = RetiredMonth.State.DROPPED, now
        month.save(update_fields=["state", "dropped_at"])
    log.warning("reports_dropped", month=str(month), events_deleted=month.events_deleted)
