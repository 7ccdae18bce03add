"""Schedules are declared in code, applied again and again, and left as ops changed them."""

import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.management import call_command
from django_celery_beat.models import IntervalSchedule, PeriodicTask, PeriodicTasks

from config.celery import app
from foundation import schedules
from foundation.schedules import Schedule

pytestmark = pytest.mark.django_db

SOON = Schedule(
    "Do it soon",
    task="app.tasks.soon",
    every=timedelta(seconds=5),
    expires=timedelta(seconds=10),
    queue="fetch",
)
DAILY = Schedule("Do it daily", task="app.tasks.daily", every=timedelta(days=1), expires=timedelta(hours=1))


def rows() -> dict[str, tuple]:
    return {
        row.name: (
            row.task,
            row.queue,
            row.interval.every,
            row.interval.period,
            row.expire_seconds,
            row.enabled,
        )
        for row in PeriodicTask.objects.select_related("interval")
    }


@pytest.fixture
def applied():
    PeriodicTask.objects.all().delete()
    schedules.apply([SOON, DAILY])


def change(schedule: Schedule, **fields) -> None:
    row = PeriodicTask.objects.get(name=schedule.name)
    for name, value in fields.items():
        setattr(row, name, value)
    row.save()


def every(number: int, period: str) -> IntervalSchedule:
    return IntervalSchedule.objects.get_or_create(every=number, period=period)[0]


def test_fresh_database_has_exactly_what_is_declared():
    expected = {}
    for schedule in schedules.declared():
        [row] = PeriodicTask.objects.filter(name=schedule.name).select_related("interval")
        assert row.interval.schedule.run_every == schedule.every
        expected[schedule.name] = (schedule.task, schedule.queue, schedule.expires.total_seconds(), True)
    found = PeriodicTask.objects.values_list("name", "task", "queue", "expire_seconds", "enabled")
    assert {name: tuple(rest) for name, *rest in found} == expected
    assert len(expected) >= 14


def test_documentation_names_each_schedule_and_its_interval():
    units = {"s": "seconds", "min": "minutes", "h": "hours", "d": "days"}
    page = (Path(__file__).resolve().parents[2] / "docs" / "operation.md").read_text()
    told = {
        name: timedelta(**{units[unit]: int(number)})
        for name, number, unit in re.findall(r"^\| ([^|]+) \| (\d+) (s|min|h|d) \|", page, re.MULTILINE)
    }
    assert told == {schedule.name: schedule.every for schedule in schedules.declared()}


def test_each_declared_task_is_registered_with_celery_and_its_queue_has_workers():
    app.loader.import_default_modules()
    for schedule in schedules.declared():
        assert schedule.task in app.tasks, schedule.name
        assert schedule.queue == ("fetch" if "fetch_due" in schedule.task else "default")
        assert timedelta(0) < schedule.expires


def test_what_is_declared_is_applied(applied):
    assert rows() == {
        "Do it soon": ("app.tasks.soon", "fetch", 5, "seconds", 10, True),
        "Do it daily": ("app.tasks.daily", "default", 1, "days", 3600, True),
    }


def test_second_application_changes_nothing_and_beat_has_nothing_to_read_again(applied):
    before, changed_at = rows(), PeriodicTasks.last_change()
    schedules.apply([SOON, DAILY])
    assert (rows(), PeriodicTasks.last_change()) == (before, changed_at)


def test_beat_is_told_of_a_change(applied):
    changed_at = PeriodicTasks.last_change()
    schedules.apply([replace(SOON, every=timedelta(seconds=6)), DAILY])
    assert PeriodicTasks.last_change() > changed_at


def test_what_ops_changed_survives_deployments(applied):
    change(SOON, interval=every(90, "seconds"))
    change(DAILY, enabled=False)
    for schedule_every in (5, 7):
        schedules.apply([replace(SOON, every=timedelta(seconds=schedule_every)), DAILY])
    assert rows()["Do it soon"][2:4] == (90, "seconds")
    assert rows()["Do it daily"][-1] is False


def test_interval_that_nobody_changed_follows_the_code(applied):
    schedules.apply([replace(SOON, every=timedelta(minutes=2)), DAILY])
    assert rows()["Do it soon"][2:4] == (2, "minutes")
    schedules.apply([replace(SOON, every=timedelta(seconds=90)), DAILY])
    assert rows()["Do it soon"][2:4] == (90, "seconds")


def test_renamed_task_is_renamed_also_where_ops_changed_the_interval(applied):
    change(SOON, interval=every(90, "seconds"), enabled=False)
    schedules.apply(
        [replace(SOON, task="app.tasks.at_once", queue="default", expires=timedelta(seconds=3)), DAILY]
    )
    assert rows()["Do it soon"] == ("app.tasks.at_once", "default", 90, "seconds", 3, False)


def test_new_declaration_appears(applied):
    new = Schedule("New", task="app.tasks.new", every=timedelta(hours=6), expires=timedelta(hours=1))
    schedules.apply([SOON, DAILY, new])
    assert rows()["New"] == ("app.tasks.new", "default", 6, "hours", 3600, True)


def test_what_is_no_longer_declared_goes(applied):
    schedules.apply([DAILY])
    assert set(rows()) == {"Do it daily"}


@pytest.mark.parametrize("disabled", [True, False])
def test_what_ops_changed_is_only_disabled_when_it_is_no_longer_declared(applied, disabled):
    if disabled:
        change(SOON, enabled=False)
    else:
        change(SOON, interval=every(90, "seconds"))
    schedules.apply([DAILY])
    assert rows()["Do it soon"][-1] is False


def test_schedule_of_ops_own_is_left_alone(applied):
    PeriodicTask.objects.create(name="Ours", task="app.tasks.daily", interval=every(3, "hours"))
    schedules.apply([SOON, DAILY])
    schedules.apply([])
    assert rows() == {"Ours": ("app.tasks.daily", None, 3, "hours", None, True)}


def test_migrating_applies_what_is_declared():
    PeriodicTask.objects.filter(name="Heartbeat").delete()
    call_command("migrate", verbosity=0)
    assert PeriodicTask.objects.get(name="Heartbeat").interval.schedule.run_every == timedelta(seconds=10)


@pytest.mark.parametrize("schedule_every", [timedelta(0), timedelta(seconds=0.5)])
def test_interval_of_no_whole_seconds_is_refused(schedule_every):
    with pytest.raises(ValueError, match="whole seconds"):
        schedules.apply([replace(SOON, every=schedule_every)])


def test_two_schedules_of_one_name_are_refused(monkeypatch):
    import ingestion.schedules

    monkeypatch.setattr(ingestion.schedules, "SCHEDULES", (*ingestion.schedules.SCHEDULES, SOON, SOON))
    with pytest.raises(ValueError, match="one name"):
        schedules.declared()
