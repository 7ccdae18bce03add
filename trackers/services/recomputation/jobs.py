"""Works off queued recomputations, a batch at a time: each batch is a transaction with its progress.

A worker claims a job for CLAIM; one that dies leaves it to the next. Live fetching waits for a batch at most.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog
from django.db import transaction
from django.db.models import F, Q

from foundation import bulk, sql
from foundation.deadlines import Clock, Deadline
from foundation.errors import DomainError
from trackers.models import RecomputationJob, RecomputationTarget, Retraction
from trackers.services.history import Cause
from trackers.services.recomputation import recomputing
from trackers.services.recomputation.pacing import Pace
from trackers.services.recomputation.recomputing import Recomputed

log = structlog.get_logger(__name__)

SEEN_NEAR = sql.load("trackers/seen_near")

# Longer than a task may run: nobody takes a job from a worker that is still at it.
CLAIM = timedelta(minutes=6)
# Asked in one go which of them were near; what is recomputed at once is smaller.
TARGETS_AT_ONCE = 500


class JobFinishedError(DomainError):
    code = "replay_job_finished"


class NothingLeftError(DomainError):
    code = "replay_job_nothing_left"


def work_off(*, clock: Clock, time_budget_s: float) -> bool:
    """Work on the oldest job that nobody has until it is done or the time is over; returns whether more is to do.

    Raises `OperationalError` if the database is out of reach or a lock is not to be had: the batch is undone, and the
    job waits for the end of the claim.
    """
    deadline = Deadline(clock, time_budget_s)
    job = _claim(deadline.began_at)
    if job is None:
        return False
    pace = Pace(clock)
    while _work_batch(job.pk, pace, clock()):
        if deadline.passed:
            break
    RecomputationJob.objects.filter(pk=job.pk).update(claimed_until=None)
    return RecomputationJob.objects.unfinished().filter(claimed_until=None).exists()


def cancel_job(*, job: RecomputationJob, now: datetime) -> None:
    """Stop a job after the batch at hand; what is done stays. Raises JobFinishedError."""
    stopped = (
        RecomputationJob.objects.unfinished()
        .filter(pk=job.pk)
        .update(state=RecomputationJob.State.CANCELLED, finished_at=now)
    )
    if not stopped:
        raise JobFinishedError("This recomputation has ended already.")


def resume_job(*, job: RecomputationJob) -> None:
    """Take up what a cancelled job left, and try again the trackers that failed. Raises NothingLeftError."""
    with transaction.atomic():
        locked = RecomputationJob.objects.select_for_update(no_key=True).get(pk=job.pk)
        failed = locked.targets.exclude(error="")
        stopped = locked.state == RecomputationJob.State.CANCELLED and locked.superseded_by_id is None
        if locked.is_unfinished or not (stopped or failed.exists()):
            raise NothingLeftError(
                "Nothing is left to recompute: change the object again, or recompute trackers."
            )
        if failed.exists():
            again = failed.update(error="")
            locked.done, locked.failed, locked.cursor = locked.done - again, locked.failed - again, 0
        locked.state, locked.finished_at = RecomputationJob.State.QUEUED, None
        locked.save(update_fields=["state", "finished_at", "done", "failed", "cursor"])


def affected(*, job: RecomputationJob, targets: Sequence[RecomputationTarget]) -> list[int]:
    """The ids of those of the targets whose history the job can change, in order."""
    unsure = [target.tracker_id for target in targets if not target.certain]
    near: set[int] = set()
    if unsure:
        near = set(bulk.fetch_values(SEEN_NEAR, {"job_id": job.pk, "tracker_ids": unsure}))
    return [target.tracker_id for target in targets if target.certain or target.tracker_id in near]


def _claim(now: datetime) -> RecomputationJob | None:
    free = Q(claimed_until=None) | Q(claimed_until__lt=now)
    with transaction.atomic():
        job = (
            RecomputationJob.objects.unfinished()
            .select_for_update(skip_locked=True, no_key=True)
            .filter(free)
            .order_by("pk")
            .first()
        )
        if job:
            RecomputationJob.objects.filter(pk=job.pk).update(
                state=RecomputationJob.State.RUNNING, claimed_until=now + CLAIM
            )
    return job


def _work_batch(job_id: int, pace: Pace, now: datetime) -> bool:
    """Recompute the next few trackers; returns whether more are left. A long one is recomputed before its progress is
    written, in transactions of its own, and comes again whole if the worker dies."""
    with transaction.atomic():
        job = RecomputationJob.objects.select_for_update(no_key=True).get(pk=job_id)
        if not job.is_unfinished:
            return False
        targets = list(
            job.targets.filter(tracker__gt=job.cursor, error="").order_by("tracker")[:TARGETS_AT_ONCE]
        )
        if not targets:
            _finish(job, now)
            return False
        ids = affected(job=job, targets=targets)
        batch = recomputing.first_batch(ids, reports=pace.reports) if ids else []
        began_at = pace.clock()
        recomputed = Recomputed()
        if batch:
            recomputed = recomputing.recompute_or_split(tracker_ids=batch, cause=_cause(job), now=now)
        if batch or not ids:
            reached = batch[-1] if len(batch) < len(ids) else targets[-1].tracker_id
            _note(job, targets, reached, recomputed)
    if batch:
        pace.pause(reports=recomputed.written.reports, began_at=began_at)
    if batch or not ids:
        return True
    recomputed = recomputing.recompute_long(tracker_id=ids[0], cause=_cause(job), now=now, pace=pace)
    with transaction.atomic():
        job = RecomputationJob.objects.select_for_update(no_key=True).get(pk=job_id)
        _note(job, targets, ids[0], recomputed)
    return True


def _cause(job: RecomputationJob) -> Cause:
    return Cause(Retraction(job.reason), job_id=job.pk)


def _note(
    job: RecomputationJob, targets: Sequence[RecomputationTarget], reached: int, recomputed: Recomputed
) -> None:
    """Those up to `reached` are done: their targets go, unless they failed."""
    passed = [target.tracker_id for target in targets if target.tracker_id <= reached]
    for tracker_id, error in recomputed.failures.items():
        job.targets.filter(tracker=tracker_id).update(error=error)
    job.targets.filter(tracker__in=passed, error="").delete()
    RecomputationJob.objects.filter(pk=job.pk).update(
        cursor=reached,
        done=F("done") + len(passed),
        recomputed=F("recomputed") + recomputed.trackers,
        changed=F("changed") + len(recomputed.written.tracker_ids),
        periods_added=F("periods_added") + recomputed.written.periods_added,
        periods_retracted=F("periods_retracted") + recomputed.written.periods_retracted,
        failed=F("failed") + len(recomputed.failures),
    )


def _finish(job: RecomputationJob, now: datetime) -> None:
    job.state = RecomputationJob.State.FAILED if job.failed else RecomputationJob.State.DONE
    job.finished_at = now
    job.save(update_fields=["state", "finished_at"])
    log.info("recomputation_job_done", job=job.pk, changed=job.changed, failed=job.failed)
