"""Rebuilds histories from their reports, after something other than a report changed.

`replay_trackers` takes all in one transaction, for changes of which nothing may show halfway. `replay_next` and
`replay_long` go in pieces, at a pace at which nobody waits long for the locks.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import accumulate

import structlog
from django.db import transaction

from foundation import batching, bulk, sql
from trackers.models import Tracker
from trackers.services import locking
from trackers.services.alerts import watching
from trackers.services.history import rollups, summaries, windows
from trackers.services.history.windows import Position, Scope, Window
from trackers.services.history.writing import Cause, Rewritten, rewrite, rewrite_part
from trackers.services.recomputation.pacing import Pace
from trackers.services.reports.recording import BLAMED_ON_THE_REPORT

log = structlog.get_logger(__name__)

# However few reports they have.
TRACKERS_PER_PIECE = 100

WITH_PAST = sql.load("trackers/trackers_with_past")
NUMBERS_OF_REPORTS = sql.load("trackers/numbers_of_reports")


@dataclass(slots=True)
class Recomputed:
    """What became of trackers: how many were looked at, what was rewritten, and the error of each that failed."""

    trackers: int = 0
    rewritten: Rewritten = field(default_factory=Rewritten)
    failures: dict[int, str] = field(default_factory=dict)

    def add(self, other: "Recomputed") -> None:
        self.trackers += other.trackers
        self.rewritten.add(other.rewritten)
        self.failures |= other.failures


def recompute_trackers(
    *,
    tracker_ids: Collection[int],
    cause: Cause,
    now: datetime,
    since: datetime | None = None,
    state: Tracker.State | None = None,
) -> Rewritten:
    """Recompute all assignments of the trackers, write the difference, refresh rows and rollups: one transaction;
    with the rows they come into `state`, if one is given.

    since: where nothing before it changed, but for what reports from then on confirmed; only what lies from there on
    is played then. An assignment that ends at that moment or goes on beyond it is part of it.

    A tracker that never reported costs no more than its row; the others are played a few at a time. The result names
    the trackers of which anything was not right. Raises `locking.UnknownTrackerError` if one doesn't exist.
    """
    with transaction.atomic():
        locking.lock_trackers(tracker_ids)
        rewritten = Rewritten()
        with_past = bulk.fetch_values(WITH_PAST, {"tracker_ids": list(tracker_ids)})
        for batch in batching.batches(with_past, TRACKERS_PER_PIECE):
            scopes = windows.load_scopes(batch)
            played = windows.whole(scopes) if since is None else windows.from_moment(scopes, since)
            part = rewrite(played, cause=cause, now=now)
            rollups.refresh((), spans=part.spans)
            rewritten.add(part)
        rewritten.tracker_ids |= summaries.refresh_trackers(tracker_ids, now=now, state=state)
        watching.mark_changed(rewritten.tracker_ids, now=now)
    return rewritten


def recompute_all(*, tracker_ids: Sequence[int], cause: Cause, now: datetime, pace: Pace) -> Recomputed:
    """Replay the trackers piece by piece. One that can't be replayed costs only itself."""
    replayed = Recomputed()
    while replayed.trackers < len(tracker_ids):
        left = tracker_ids[replayed.trackers :]
        replayed.add(recompute_next(tracker_ids=left, cause=cause, now=now, pace=pace))
    return replayed


def recompute_next(*, tracker_ids: Sequence[int], cause: Cause, now: datetime, pace: Pace) -> Recomputed:
    """Replay as many of the first trackers as one piece holds; at least one, in several transactions if it is long."""
    piece = first_piece(tracker_ids, reports=pace.reports)
    if not piece:
        return recompute_long(tracker_id=tracker_ids[0], cause=cause, now=now, pace=pace)
    began_at = pace.clock()
    replayed = recompute_or_split(tracker_ids=piece, cause=cause, now=now)
    pace.rest(played=replayed.rewritten.played, began_at=began_at)
    return replayed


def first_piece(tracker_ids: Sequence[int], *, reports: int) -> Sequence[int]:
    """The first of the trackers that together have at most so many reports; none if the very first has more."""
    candidates = list(tracker_ids[:TRACKERS_PER_PIECE])
    numbers = numbers_of_reports(candidates, most=reports)
    sums = accumulate(numbers[tracker_id] for tracker_id in candidates)
    return candidates[: sum(so_far <= reports for so_far in sums)]


def numbers_of_reports(tracker_ids: Sequence[int], *, most: int) -> dict[int, int]:
    """How many reports a replay of each tracker reads; any number above `most` is given as the next one."""
    return dict(bulk.fetch_all(NUMBERS_OF_REPORTS, {"tracker_ids": list(tracker_ids), "most": most + 1}))


def recompute_or_split(*, tracker_ids: Sequence[int], cause: Cause, now: datetime) -> Recomputed:
    """Replay the trackers in one transaction; halve them if it fails, until the culprit stands alone."""

    def recompute(batch: Sequence[int]) -> Recomputed:
        return Recomputed(len(batch), recompute_trackers(tracker_ids=batch, cause=cause, now=now))

    recomputed = Recomputed()
    for part in batching.halve_until_alone(
        tracker_ids, work=recompute, alone=_failed, blamed=BLAMED_ON_THE_REPORT
    ):
        recomputed.add(part)
    return recomputed


def recompute_long(*, tracker_id: int, cause: Cause, now: datetime, pace: Pace) -> Recomputed:
    """Replay a tracker of any number of reports in parts, each a transaction: its memory and locks are a part's.

    Between two parts its history is right up to there. It may be called again from the beginning after any failure.
    """
    rewritten = Rewritten()
    reached: Position | None = windows.BEGINNING
    try:
        while reached is not None:
            began_at = pace.clock()
            part, reached = _recompute_part(tracker_id, reached, pace.reports, cause, now)
            rewritten.add(part)
            pace.rest(played=part.played, began_at=began_at)
    except BLAMED_ON_THE_REPORT as error:
        return _failed(tracker_id, error)
    return Recomputed(1, rewritten)


@transaction.atomic
def _recompute_part(
    tracker_id: int, begin: Position, reports: int, cause: Cause, now: datetime
) -> tuple[Rewritten, Position | None]:
    """One part of so many reports from a position on, of the assignment that is in force or comes next there."""
    locking.lock_trackers([tracker_id])
    ahead = [
        scope
        for scope in windows.load_scopes([tracker_id])
        if scope.ends_at is None or scope.ends_at > begin.seen_at
    ]
    rewritten, rest = Rewritten(), None
    if ahead:
        most = reports + 3 * ahead[0].confirmations
        rewritten, rest = rewrite_part(_window(ahead[0], begin), most=most, cause=cause, now=now)
        if rest is None and len(ahead) > 1 and ahead[0].ends_at:
            rest = Position(ahead[0].ends_at, b"")
    if rest is None:
        rewritten.tracker_ids |= summaries.refresh_trackers([tracker_id], now=now)
    rollups.refresh((), spans=rewritten.spans)
    watching.mark_changed(rewritten.tracker_ids, now=now)
    return rewritten, rest


def _window(scope: Scope, begin: Position) -> Window:
    """The window from `begin` on, or from the assignment's beginning."""
    if not begin.fingerprint and begin.seen_at <= scope.since:
        [window] = windows.whole([scope])
    else:
        [window] = windows.since_first_change({scope: begin})
    return window


def _failed(tracker_id: int, error: Exception) -> Recomputed:
    log.exception("replay_failed", tracker_id=tracker_id)
    return Recomputed(1, failures={tracker_id: f"{type(error).__name__}: {error}"[:500]})
