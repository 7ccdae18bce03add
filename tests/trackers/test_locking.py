"""Who recomputes keeps the reports that are read; who drops them waits, or is told to come again."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import OperationalError, connection, transaction

from foundation import partitions
from tests.factories import NOW, AssignmentFactory
from tests.trackers.reports import incoming
from trackers.models import LocationReport, Retraction
from trackers.services import history, locking
from trackers.services.history import Cause
from trackers.services.partitioning import REPORTS
from trackers.services.reports.recording import record_reports

pytestmark = pytest.mark.django_db(transaction=True)

MONTH = NOW.replace(day=1, hour=0)


@pytest.fixture
def tracker() -> Iterator[object]:
    """With a report in a month that has a partition."""
    REPORTS.ensure(now=NOW)
    tracker = AssignmentFactory().tracker
    record_reports([incoming(tracker.pk, NOW)], now=NOW)
    yield tracker
    REPORTS.ensure(now=NOW)


@contextmanager
def elsewhere(work: object) -> Iterator[None]:
    """While another connection has done the work and its transaction is still open."""
    done, over = threading.Event(), threading.Event()

    def hold() -> None:
        try:
            with transaction.atomic():
                work()
                done.set()
                over.wait(30)
        finally:
            connection.close()

    holder = threading.Thread(target=hold)
    holder.start()
    try:
        assert done.wait(30)
        yield
    finally:
        over.set()
        holder.join()


def lock_another(tracker_id: int) -> None:
    """Without reading any report: the lock alone has to do."""
    locking.lock_trackers([tracker_id])


def recompute(tracker_id: int) -> None:
    history.recompute_trackers(tracker_ids=[tracker_id], cause=Cause(Retraction.REQUEST), now=NOW)


@pytest.mark.parametrize("work", [lock_another, recompute])
def test_no_partition_is_dropped_while_somebody_recomputes(
    tracker: object, monkeypatch: pytest.MonkeyPatch, work: object
) -> None:
    monkeypatch.setattr(partitions, "LOCK_TIMEOUT", "200ms")
    with elsewhere(lambda: work(tracker.pk)):
        with pytest.raises(OperationalError, match="lock timeout"):
            REPORTS.drop(MONTH)
        assert LocationReport.objects.count() == 1
    REPORTS.drop(MONTH)
    assert LocationReport.objects.count() == 0


def test_nobody_recomputes_while_a_partition_is_dropped(
    tracker: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locking, "PREPARE", locking.PREPARE.replace(locking.LOCK_TIMEOUT, "200ms"))
    with (
        elsewhere(lambda: REPORTS.drop(MONTH)),
        pytest.raises(OperationalError, match="lock timeout"),
        transaction.atomic(),
    ):
        locking.lock_trackers([tracker.pk])


def test_workers_on_different_trackers_do_not_wait_for_each_other(tracker: object) -> None:
    other = AssignmentFactory().tracker
    with elsewhere(lambda: recompute(tracker.pk)), transaction.atomic():
        locking.lock_trackers([other.pk])
