"""A production run added, changed or deleted: recomputes its trackers where dates or policy changed, and tells its
client."""

from dataclasses import dataclass
from datetime import datetime
from typing import Unpack

from django.db import transaction

from clients.models import ProductionRun, User
from clients.services import runs
from clients.services.runs import RunValues
from foundation.deadlines import Clock
from outbox.facts import FactType
from outbox.services import publish
from trackers.models import RecomputationJob
from trackers.services import recomputation
from trackers.services.changes import previewing
from trackers.services.changes.previewing import Tried


@dataclass(frozen=True, slots=True)
class ChangedRun:
    """job: the recomputation that follows; None where no tracker is affected."""

    run: ProductionRun
    job: RecomputationJob | None


def add_run(*, actor: User | None, now: datetime, **values: Unpack[RunValues]) -> ProductionRun:
    """Add a run, which has no trackers yet. Raises InvalidValuesError."""
    with transaction.atomic():
        run = runs.add_run(actor=actor, **values)
        _publish(run, "added", now)
    return run


def change_run(
    *, run: ProductionRun, actor: User | None, now: datetime, **values: Unpack[RunValues]
) -> ChangedRun:
    """Change these values of a stored run. Raises InvalidValuesError."""
    with transaction.atomic():
        ProductionRun.objects.select_for_update(no_key=True).only("pk").get(pk=run.pk)
        before = recomputation.run_of(run.pk)
        changed = runs.change_run(run=run, actor=actor, **values)
        job = recomputation.queue_run(run_id=run.pk, before=before, actor=actor, now=now)
        if values:
            _publish(changed, "changed", now)
    return ChangedRun(changed, job)


def delete_run(*, run: ProductionRun, actor: User | None, now: datetime) -> None:
    """Delete a run that never had a tracker: so no history changes. Raises InUseError."""
    with transaction.atomic():
        pk = run.pk
        runs.delete_run(run=run, actor=actor)
        run.pk = pk
        _publish(run, "deleted", now)


def preview_change(
    *, run: ProductionRun, actor: User | None, clock: Clock, **values: Unpack[RunValues]
) -> Tried | None:
    """What `change_run` would do to histories; None if nothing. Raises InvalidValuesError."""
    return previewing.attempt(
        lambda: change_run(run=run, actor=actor, now=clock(), **values).job, clock=clock
    )


def _publish(run: ProductionRun, change: str, now: datetime) -> None:
    publish(
        type=FactType.RUN_CHANGED,
        subject_id=run.pk,
        client_id=run.brand.client_id,
        occurred_at=now,
        data={
            "change": change,
            "name": run.name,
            "brand": run.brand.name,
            "start_date": run.start_date,
            "end_date": run.end_date,
        },
        now=now,
    )
