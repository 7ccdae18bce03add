"""The safety net: recomputes timelines from their reports and repairs what is stored otherwise."""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from datetime import datetime, timedelta
from typing import NamedTuple

import structlog
from django.db import transaction
from django.db.models import Exists, Max, OuterRef, QuerySet, Sum

from foundation.deadlines import Clock, Deadline
from trackers.models import (
    Assignment,
    RecomputationJob,
    RecomputationTarget,
    Retraction,
    TimelineCheck,
    Tracker,
)
from trackers.services.history import Cause
from trackers.services.recomputation import recomputing
from trackers.services.recomputation.pacing import Pace
from trackers.services.recomputation.recomputing import Recomputed

log = structlog.get_logger(__name__)

CAUSE = Cause(Retraction.CHECK)

# Every tracker's turn comes within a day; aimed at 20 hours, so that a missed run or two do no harm.
ROUND = timedelta(hours=20)
# A check follows the last one after this long at least, and a pause of any length counts as this at most.
SHORTEST, LONGEST = timedelta(minutes=1), timedelta(hours=1)
NAMED = 20
DAY = timedelta(hours=24)
# A tracker that was not verified for this long has missed its turn.
OVERDUE = timedelta(hours=26)


class CheckSummary(NamedTuple):
    """Of the last 24 hours: how many trackers were checked, how many of them differed, and how many could not be.

    oldest_verified_at: when the tracker was verified whose turn is next; on_time: it does not wait for too long.
    """

    latest_at: datetime | None
    checked: int
    drifted: int
    failed: int
    oldest_verified_at: datetime | None
    on_time: bool

    @property
    def ok(self) -> bool:
        return self.on_time and not self.drifted and not self.failed


def verify_due(*, clock: Clock, time_budget_s: float) -> TimelineCheck:
    """Verify the trackers that were verified longest ago, repair them and record the drift found.

    As many as the whole fleet needs in the time since the last check, so that each has its turn within ROUND; fewer
    if the time budget ends before.
    """
    now = clock()
    latest = TimelineCheck.objects.order_by("-checked_at").values_list("checked_at", flat=True).first()
    since_latest = now - latest if latest else LONGEST
    wanted = sample_size(fleet=verifiable().count(), since_latest=since_latest)
    return verify_oldest(trackers=wanted, clock=clock, time_budget_s=time_budget_s)


def sample_size(*, fleet: int, since_latest: timedelta) -> int:
    """How many trackers a check has to take so that the fleet is through within ROUND; at least one."""
    interval = min(max(since_latest, SHORTEST), LONGEST)
    return max(1, math.ceil(fleet * (interval / ROUND)))


def verify_oldest(*, trackers: int, clock: Clock, time_budget_s: float = math.inf) -> TimelineCheck:
    """Verify the `trackers` trackers that were verified longest ago, repair them and record the drift found.

    One that can't be recomputed is noted, and its turn comes again after all others.
    """
    deadline = Deadline(clock, time_budget_s)
    now = deadline.began_at
    oldest_first = verifiable().order_by("verified_at", "id").values_list("id", flat=True)
    checked = Recomputed()
    for verified in verify(tracker_ids=list(oldest_first[:trackers]), repair=True, now=now, pace=Pace(clock)):
        checked.add(verified)
        if deadline.passed:
            break
    return _record(checked, now=now, took_s=deadline.elapsed.total_seconds())


def verify(*, tracker_ids: Sequence[int], repair: bool, now: datetime, pace: Pace) -> Iterator[Recomputed]:
    """Compare the trackers with their reports, batch by batch; without `repair` everything is left as it is."""
    begin = 0
    while begin < len(tracker_ids):
        with nullcontext() if repair else _rolled_back():
            verified = recomputing.recompute_next(
                tracker_ids=tracker_ids[begin:], cause=CAUSE, now=now, pace=pace
            )
            through = tracker_ids[begin : begin + verified.trackers]
            Tracker.objects.filter(pk__in=through).update(verified_at=now)
        begin += verified.trackers
        yield verified


@contextmanager
def _rolled_back() -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def verifiable() -> QuerySet[Tracker]:
    """Trackers with a history to verify. Those that wait for a recomputation are expected to differ, and left out."""
    waiting = RecomputationTarget.objects.filter(job__in=RecomputationJob.objects.unfinished())
    return Tracker.objects.filter(Exists(Assignment.objects.filter(tracker=OuterRef("pk")))).exclude(
        pk__in=waiting.values("tracker")
    )


def check_summary(*, now: datetime) -> CheckSummary:
    """What the checks of the last 24 hours found, and whether all trackers had their turn."""
    checks = TimelineCheck.objects.filter(checked_at__gte=now - DAY)
    found = checks.aggregate(
        latest_at=Max("checked_at"), checked=Sum("trackers"), drifted=Sum("drifted"), failed=Sum("failed")
    )
    oldest = verifiable().order_by("verified_at", "id").values_list("verified_at", flat=True).first()
    return CheckSummary(
        found["latest_at"],
        found["checked"] or 0,
        found["drifted"] or 0,
        found["failed"] or 0,
        oldest,
        on_time=oldest is None or now - oldest <= OVERDUE,
    )


def _record(checked: Recomputed, *, now: datetime, took_s: float) -> TimelineCheck:
    drifted = checked.written.tracker_ids
    if drifted:
        log.error("timeline_drift", trackers=checked.trackers, drifted=sorted(drifted)[:NAMED])
    return TimelineCheck.objects.create(
        checked_at=now,
        trackers=checked.trackers,
        drifted=len(drifted),
        failed=len(checked.failures),
        failures=[
            {"tracker": tracker_id, "error": error}
            for tracker_id, error in sorted(checked.failures.items())[:NAMED]
        ],
        took_s=round(took_s, 3),
    )
