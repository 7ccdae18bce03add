"""Recomputes histories in batches, at a pace at which nobody waits long for the locks.

What must not show halfway is one transaction instead: `history.recompute_trackers`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import accumulate

import structlog

from foundation import batching, bulk, sql
from trackers.services import history
from trackers.services.history import Cause, Written
from trackers.services.recomputation.pacing import Pace

log = structlog.get_logger(__name__)

# A batch takes no more, however few reports they have.
TRACKERS_PER_BATCH = 100

NUMBERS_OF_REPORTS = sql.load("trackers/numbers_of_reports")


@dataclass(slots=True)
class Recomputed:
    """What became of trackers: how many were recomputed, what was written, and the error of each that failed."""

    trackers: int = 0
    written: Written = field(default_factory=Written)
    failures: dict[int, str] = field(default_factory=dict)

    def add(self, other: "Recomputed") -> None:
        self.trackers += other.trackers
        self.written.add(other.written)
        self.failures |= other.failures


def recompute_all(*, tracker_ids: Sequence[int], cause: Cause, now: datetime, pace: Pace) -> Recomputed:
    """Recompute the trackers batch by batch. One that can't be recomputed costs only itself."""
    recomputed = Recomputed()
    while recomputed.trackers < len(tracker_ids):
        left = tracker_ids[recomputed.trackers :]
        recomputed.add(recompute_next(tracker_ids=left, cause=cause, now=now, pace=pace))
    return recomputed


def recompute_next(*, tracker_ids: Sequence[int], cause: Cause, now: datetime, pace: Pace) -> Recomputed:
    """Recompute as many of the first trackers as one batch holds; at least one, in several transactions if it has
    very many reports."""
    batch = first_batch(tracker_ids, reports=pace.reports)
    if not batch:
        return recompute_long(tracker_id=tracker_ids[0], cause=cause, now=now, pace=pace)
    began_at = pace.clock()
    recomputed = recompute_or_split(tracker_ids=batch, cause=cause, now=now)
    pace.pause(reports=recomputed.written.reports, began_at=began_at)
    return recomputed


def first_batch(tracker_ids: Sequence[int], *, reports: int) -> Sequence[int]:
    """The first of the trackers that together have at most `reports` reports; none if the very first has more."""
    first = list(tracker_ids[:TRACKERS_PER_BATCH])
    numbers = numbers_of_reports(first, most=reports)
    sums = accumulate(numbers[tracker_id] for tracker_id in first)
    return first[: sum(so_far <= reports for so_far in sums)]


def numbers_of_reports(tracker_ids: Sequence[int], *, most: int) -> dict[int, int]:
    """How many reports a recomputation of each tracker reads; any number above `most` is given as the next one."""
    return dict(bulk.fetch_all(NUMBERS_OF_REPORTS, {"tracker_ids": list(tracker_ids), "most": most + 1}))


def recompute_or_split(*, tracker_ids: Sequence[int], cause: Cause, now: datetime) -> Recomputed:
    """Recompute the trackers in one transaction; halve them if it fails, until the culprit stands alone."""

    def recompute(batch: Sequence[int]) -> Recomputed:
        return Recomputed(len(batch), history.recompute_trackers(tracker_ids=batch, cause=cause, now=now))

    recomputed = Recomputed()
    for part in batching.halve_until_alone(
        tracker_ids, work=recompute, alone=_failed, blamed=batching.BLAMED_ON_DATA
    ):
        recomputed.add(part)
    return recomputed


def recompute_long(*, tracker_id: int, cause: Cause, now: datetime, pace: Pace) -> Recomputed:
    """Recompute a tracker of any number of reports in batches, each a transaction: its memory and locks are a batch's.

    Between two batches its history is right up to there. It may be called again from the beginning after any failure.
    """
    written = Written()
    reached: datetime | None = history.BEGINNING
    try:
        while reached is not None:
            began_at = pace.clock()
            batch, reached = history.recompute_batch(
                tracker_id=tracker_id, begin=reached, reports=pace.reports, cause=cause, now=now
            )
            written.add(batch)
            pace.pause(reports=batch.reports, began_at=began_at)
    except batching.BLAMED_ON_DATA as error:
        return _failed(tracker_id, error)
    return Recomputed(1, written)


def _failed(tracker_id: int, error: Exception) -> Recomputed:
    log.exception("recomputation_failed", tracker_id=tracker_id)
    return Recomputed(1, failures={tracker_id: f"{type(error).__name__}: {error}"[:500]})
