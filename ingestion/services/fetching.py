"""The main job: claim what is due, ask the gateway, decrypt, record, and put it back into the queue.

Between the claim and the record no transaction is open. Every step may be the last: what was recorded is not stored
twice, and a claim that nobody ends comes back when its lease does.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import structlog
from django.conf import settings

from foundation.batching import batches
from foundation.deadlines import Clock, Deadline
from ingestion import selectors
from ingestion.findmy.client import FetchAnswer, FetchError
from ingestion.models import Heartbeat
from ingestion.queue import Claim, FetchQueue, fetch_queue
from ingestion.selectors import FetchJob
from ingestion.services import accounts, completing, heartbeats, storing
from ingestion.services.requesting import NoAccountAvailableError, Requester
from trackers.incoming import RecordOutcome

log = structlog.get_logger(__name__)

NO_ACCOUNT = "no account available: none is configured, or all have used their budget or are cooling down"


@dataclass(slots=True)
class FetchRun:
    """What a run did. trackers: fetched, whether it worked or not. waiting: why it stopped early, if it did."""

    trackers: int = 0
    failed: int = 0
    recorded: RecordOutcome = field(default_factory=RecordOutcome)
    waiting: str = ""

    @property
    def rejected(self) -> int:
        return self.recorded.rejected

    def as_detail(self) -> dict[str, Any]:
        return {
            "trackers": self.trackers,
            "failed": self.failed,
            "stored": self.recorded.stored,
            "duplicates": self.recorded.duplicates,
            "rejected": self.rejected,
            "waiting": self.waiting,
        }


@dataclass(frozen=True, slots=True)
class Asked:
    """answers: those that came, also before something went wrong. problem: what that was, if anything did."""

    answers: Sequence[FetchAnswer]
    problem: FetchError | NoAccountAvailableError | None = None


def fetch_due(*, clock: Clock, time_budget_s: float, sleep: Callable[[float], None] = time.sleep) -> FetchRun:
    """Fetch the trackers that are due, oldest first, until none is left or the time budget is used up.

    Any number of workers may do so at once. Failures of the gateway are part of the outcome. Raises
    OpenTransactionError within a transaction, and whatever the database or Redis raise: the claim at hand is then due
    again, after a backoff if that could still be written, otherwise when its lease ends.
    """
    run = FetchRun()
    deadline = Deadline(clock, time_budget_s)
    with Requester(clock=clock, sleep=sleep) as requester:
        while _fetch_batch(requester, run, clock) and not deadline.passed:
            pass
    heartbeats.beat(name=Heartbeat.Name.FETCH, now=clock(), detail=run.as_detail())
    if run.trackers:
        log.info("fetched", **run.as_detail())
    return run


def _fetch_batch(requester: Requester, run: FetchRun, clock: Clock) -> bool:
    """Do one request's worth of trackers. False if there is nothing to do, or nobody to ask."""
    queue = fetch_queue()
    claims = queue.claim(limit=settings.FINDMY_KEYS_PER_REQUEST, now=clock())
    if not claims:
        return False
    heartbeats.beat(name=Heartbeat.Name.FETCH, now=clock(), detail=run.as_detail())
    batch = _choose(queue, claims, clock())
    jobs = list(batch.values())
    new_reports: Mapping[int, int] = {}
    try:
        asked = _ask(requester, jobs)
        new_reports = _store(jobs, asked.answers, run, clock())
    except Exception as unexpected:
        log.exception("fetch_batch_failed", trackers=len(jobs))
        _complete(queue, batch, new_reports, clock(), unexpected)
        raise
    if isinstance(asked.problem, NoAccountAvailableError):
        queue.release(batch)
        run.waiting = NO_ACCOUNT
        return False
    _complete(queue, batch, new_reports, clock(), asked.problem)
    run.trackers += len(jobs)
    run.failed += len(jobs) if asked.problem else 0
    return True


def _choose(queue: FetchQueue, claims: Sequence[Claim], now: datetime) -> dict[Claim, FetchJob]:
    """The claims that fit into one request, in order; one that alone exceeds it stands alone.

    The others go back as they were, and those that are not to be fetched any more leave the queue.
    """
    jobs = selectors.fetch_jobs([claim.tracker_id for claim in claims], now=now)
    chosen: dict[Claim, FetchJob] = {}
    room = settings.FINDMY_KEYS_PER_REQUEST
    surplus: list[Claim] = []
    for claim in claims:
        job = jobs.get(claim.tracker_id)
        if job is None:
            continue
        if surplus or (chosen and len(job.hashed_keys) > room):
            surplus.append(claim)
            continue
        chosen[claim] = job
        room -= len(job.hashed_keys)
    queue.drop([claim for claim in claims if claim.tracker_id not in jobs])
    queue.release(surplus)
    return chosen


def _ask(requester: Requester, jobs: Sequence[FetchJob]) -> Asked:
    """Ask for the jobs' keys, in as many requests as that takes, up to the first that fails."""
    hashed_keys = [hashed_key for job in jobs for hashed_key in job.hashed_keys]
    answers: list[FetchAnswer] = []
    try:
        for batch in batches(hashed_keys, settings.FINDMY_KEYS_PER_REQUEST):
            answers.append(requester.fetch(batch))  # noqa: PERF401 - what came before a failure is kept
    except (FetchError, NoAccountAvailableError) as error:
        log.warning("fetch_failed", trackers=len(jobs), error=accounts.describe(error))
        return Asked(answers, problem=error)
    return Asked(answers)


def _store(
    jobs: Sequence[FetchJob], answers: Sequence[FetchAnswer], run: FetchRun, now: datetime
) -> Mapping[int, int]:
    """Decrypt and record what came. Returns how many new reports each tracker got."""
    tracker_of_key = {hashed_key: job.tracker_id for job in jobs for hashed_key in job.hashed_keys}
    recorded = storing.store_answers(answers, tracker_of_key=tracker_of_key, purpose="fetch", now=now)
    run.recorded.add(recorded)
    return recorded.stored_by_tracker


def _complete(
    queue: FetchQueue,
    batch: Mapping[Claim, FetchJob],
    new_reports: Mapping[int, int],
    now: datetime,
    error: Exception | None,
) -> None:
    """End the claims. If a worker dies between the two writes, the lease brings its trackers back."""
    dues = completing.complete_fetches(list(batch.values()), now=now, new_reports=new_reports, error=error)
    queue.reschedule({claim: dues[claim.tracker_id] for claim in batch})
