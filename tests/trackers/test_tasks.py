"""The shells of background work: limits, unknown arguments, and the clock that they hand over."""

import pytest
from django.utils import timezone

from foundation.partitions import MonthlyPartitions
from trackers import tasks
from trackers.models import TimelineCheck
from trackers.services import reports

TASKS = [
    tasks.find_places,
    tasks.work_off_recomputations,
    tasks.evaluate_alerts,
    tasks.verify_timelines,
    tasks.make_report_partitions,
    tasks.drop_old_reports,
]
by_name = pytest.mark.parametrize("task", TASKS, ids=lambda task: task.__name__)


@by_name
def test_a_task_has_limits_and_acknowledges_late(task, settings):
    assert task.acks_late
    assert 0 < task.soft_time_limit < task.time_limit
    # A task that is still running must not be delivered again.
    assert task.time_limit < settings.CELERY_BROKER_TRANSPORT_OPTIONS["visibility_timeout"]


@pytest.mark.django_db
@by_name
def test_a_task_tolerates_arguments_of_a_newer_release(task):
    task.apply(kwargs={"invented_later": 1}, throw=True)


@pytest.mark.django_db
def test_shells_hand_over_the_clock(monkeypatch):
    called = {}
    monkeypatch.setattr(MonthlyPartitions, "ensure", lambda table, *, now: called.update(partitions=now))
    monkeypatch.setattr(reports, "announce_months", lambda *, now: called.update(announced=now))
    monkeypatch.setattr(
        reports, "drop_due_months", lambda **options: called.update(dropped=options["time_budget_s"])
    )
    before = timezone.now()

    tasks.make_report_partitions()
    tasks.drop_old_reports()
    tasks.verify_timelines()

    assert before <= called["partitions"] <= called["announced"] <= timezone.now()
    # Months are dropped for a while only: the task's own limit comes after it.
    assert 0 < called["dropped"] < tasks.drop_old_reports.soft_time_limit
    assert before <= TimelineCheck.objects.get().checked_at <= timezone.now()
