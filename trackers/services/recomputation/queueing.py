"""Queues the recomputation that a changed fence or run, or an assignment of trackers with many reports, asks for.

Whoever changes one remembers how it was (`fence_of`, `run_of`), writes it, and queues the recomputation in the same
transaction. Another change of the same object takes over what earlier recomputations have left, also cancelled ones and
trackers that failed.
"""

from collections.abc import Collection
from datetime import datetime

from django.db import transaction
from django.db.models import Exists, OuterRef

from clients.models import ProductionRun, User
from foundation import bulk, sql
from locations.models import Location
from trackers.models import RecomputationJob, RecomputationTarget
from trackers.rules import changes
from trackers.rules.changes import AffectedReports, Fence, Run

AFFECTED_BY_JOB = sql.load("trackers/affected_by_job")


def fence_of(location_id: int) -> Fence:
    """How a location's fence is stored."""
    location = Location.objects.defer("fence").get(pk=location_id)
    return Fence(
        kind=location.kind,
        shape=location.area or location.center,
        radius_m=0 if location.area else location.radius_m,
        active_from=location.active_from,
        active_until=location.active_until,
        runs={run.pk: run.name for run in location.runs.all()},
    )


def run_of(run_id: int) -> Run:
    """How a run's dates and policy are stored."""
    return Run(**ProductionRun.objects.values(*Run._fields).get(pk=run_id))


@transaction.atomic
def queue_fence(
    *, location_id: int, before: Fence | None, actor: User | None, now: datetime
) -> RecomputationJob | None:
    """Queue the recomputation of whom a change of a location's fence from `before` affects; None if nobody."""
    affected = changes.of_fence(before, fence_of(location_id))
    if affected is None:
        return None
    job = RecomputationJob(
        reason=RecomputationJob.Reason.FENCE,
        location_id=location_id,
        old_shape=before.shape if before else None,
        old_radius_m=before.radius_m if before else None,
    )
    return _queue(job, affected, actor, now)


@transaction.atomic
def queue_run(*, run_id: int, before: Run, actor: User | None, now: datetime) -> RecomputationJob | None:
    """Queue the recomputation of whom a change of a run's dates and policy from `before` affects; None if nobody."""
    affected = changes.of_run(run_id, before, run_of(run_id))
    if affected is None:
        return None
    return _queue(RecomputationJob(reason=RecomputationJob.Reason.RUN, run_id=run_id), affected, actor, now)


@transaction.atomic
def queue_assignment(
    *, run: ProductionRun, tracker_ids: Collection[int], start: datetime, now: datetime
) -> RecomputationJob:
    """Queue the recomputation of trackers that were put into a run from `start` on."""
    job = RecomputationJob.objects.create(
        reason=RecomputationJob.Reason.ASSIGNMENT,
        run=run,
        change=f"since {start:%Y-%m-%d %H:%M} UTC",
        total=len(tracker_ids),
        created_at=now,
    )
    RecomputationTarget.objects.bulk_create(
        RecomputationTarget(job=job, tracker_id=tracker_id) for tracker_id in tracker_ids
    )
    return job


def _queue(
    job: RecomputationJob, affected: AffectedReports, actor: User | None, now: datetime
) -> RecomputationJob | None:
    left_over = RecomputationJob.objects.select_for_update(no_key=True).filter(
        Exists(RecomputationTarget.objects.filter(job=OuterRef("pk"))),
        location=job.location_id,
        run=job.run_id,
    )
    taken_over = list(left_over.order_by("pk").values_list("pk", flat=True))
    job.change, job.since, job.until = affected.change, affected.since, affected.until
    job.requested_by, job.created_at = actor, now
    job.save(force_insert=True)
    job.total = bulk.execute(
        AFFECTED_BY_JOB,
        {
            "job_id": job.pk,
            "run_ids": affected.run_ids,
            "location_id": job.location_id,
            "only_near": affected.only_near,
            "taken_over": taken_over,
        },
    )
    if not job.total:
        job.delete()
        return None
    job.save(update_fields=["total"])
    _supersede(taken_over, job, now)
    return job


def _supersede(taken_over: list[int], job: RecomputationJob, now: datetime) -> None:
    RecomputationTarget.objects.filter(job__in=taken_over).delete()
    jobs = RecomputationJob.objects.filter(pk__in=taken_over)
    jobs.update(superseded_by=job)
    jobs.unfinished().update(state=RecomputationJob.State.CANCELLED, finished_at=now)
