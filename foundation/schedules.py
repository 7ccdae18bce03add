"""What beat runs, and how often: declared in each app's `schedules.py`, beside its tasks, and applied after `migrate`.

The rows of django-celery-beat are what beat reads and what ops may change. A row's description holds what was declared
when it was last applied: where the row still says the same, nobody has changed it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from importlib import import_module
from typing import Any

import structlog
from django.apps import apps
from django.db import transaction
from django.utils.module_loading import module_has_submodule
from django_celery_beat.models import IntervalSchedule, PeriodicTask

log = structlog.get_logger(__name__)

DECLARED = "Declared by Glimpse: every "
_PERIODS = {
    timedelta(days=1): IntervalSchedule.DAYS,
    timedelta(hours=1): IntervalSchedule.HOURS,
    timedelta(minutes=1): IntervalSchedule.MINUTES,
    timedelta(seconds=1): IntervalSchedule.SECONDS,
}


@dataclass(frozen=True, slots=True)
class Schedule:
    """A task that beat asks for again and again.

    name: what ops see, and by what the schedule is known from one release to the next. task: Celery's name of it.
    every: whole seconds. expires: a request that no worker took by then is dropped, so that none pile up.
    """

    name: str
    task: str
    every: timedelta
    expires: timedelta
    queue: str = "default"


def declared() -> list[Schedule]:
    """The schedules of all installed apps. Raises ValueError if two have the same name."""
    found: list[Schedule] = []
    for config in apps.get_app_configs():
        if config.module and module_has_submodule(config.module, "schedules"):
            found += getattr(import_module(f"{config.name}.schedules"), "SCHEDULES", ())
    names = [schedule.name for schedule in found]
    if len(set(names)) < len(names):
        raise ValueError(f"Two schedules have one name: {', '.join(sorted(names))}")
    return found


@transaction.atomic
def apply(schedules: Iterable[Schedule]) -> None:
    """Bring beat's rows in step with what is declared; again and again with the same result.

    What is new is added. Task, queue and expiry are the code's. The interval and whether a schedule is enabled are
    those of ops once they changed them. What is no longer declared is deleted, or only disabled if ops changed it.
    Rows that ops made themselves are left alone.
    """
    wanted = {schedule.name: schedule for schedule in schedules}
    rows = {row.name: row for row in PeriodicTask.objects.select_related("interval")}
    for schedule in wanted.values():
        row = rows.get(schedule.name)
        if row is None:
            row = PeriodicTask(name=schedule.name, interval=_interval(schedule.every))
            row.description = _description(row.interval)
        elif _has_interval_as_declared(row):
            row.interval = _interval(schedule.every)
            row.description = _description(row.interval)
        row.task, row.queue = schedule.task, schedule.queue
        row.expire_seconds = round(schedule.expires.total_seconds())
        _save_if_changed(row)
    for row in rows.values():
        if row.description.startswith(DECLARED) and row.name not in wanted:
            _retire(row)


def _retire(row: PeriodicTask) -> None:
    if _has_interval_as_declared(row) and row.enabled:
        row.delete()
        log.info("schedule_removed", schedule=row.name)
    elif row.enabled:
        row.enabled = False
        row.save()
        log.warning("schedule_disabled", schedule=row.name)


def _has_interval_as_declared(row: PeriodicTask) -> bool:
    return row.interval is not None and row.description == _description(row.interval)


def _interval(every: timedelta) -> IntervalSchedule:
    unit = next((unit for unit in _PERIODS if every and every % unit == timedelta(0)), None)
    if unit is None:
        raise ValueError(f"{every} is not a number of whole seconds")
    wanted = {"every": every // unit, "period": _PERIODS[unit]}
    return IntervalSchedule.objects.filter(**wanted).first() or IntervalSchedule.objects.create(**wanted)


def _description(interval: IntervalSchedule) -> str:
    return f"{DECLARED}{interval.every} {interval.period}."


def _save_if_changed(row: PeriodicTask) -> None:
    """A row that is saved makes beat read all of them again."""
    fields = ("task", "queue", "expire_seconds", "interval_id", "description")
    stored: dict[str, Any] | None = PeriodicTask.objects.filter(pk=row.pk).values(*fields).first()
    if stored != {field: getattr(row, field) for field in fields}:
        row.save()
