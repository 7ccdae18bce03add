"""How far a shipment of many trackers has come, and when the rest is to be expected by its own pace.

Pure: values in, values out. The pace is what the delivered trackers took: from leaving storage for the last time to
their first delivery, by the location that they left (`MIN_SAMPLE` of them at least, else those of all locations). One
that is on its way is expected when, of those that took longer than it has taken until now, a share of `quantile` had
arrived; one that is still in storage likewise, first by how long the others were stored. Whoever has taken longer
than all the others is overdue, and nothing is expected of it. Medians and quantiles, since a few lost ones would
pull a mean; conditional on the time taken so far, since a late one gets no earlier by being late.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

# With fewer delivered trackers nothing is estimated.
MIN_SAMPLE = 5
# The band: a quick and a slow reading of the pace, around the median one.
QUICK, USUAL, SLOW = 0.1, 0.5, 0.9
POINTS = 60


class Outcome(StrEnum):
    """What became of a tracker. Only the last two are about shipments that are over."""

    DELIVERED = "DELIVERED"
    DELIVERED_AND_LEFT = "DELIVERED_AND_LEFT"
    ON_THE_WAY = "ON_THE_WAY"
    STORED = "STORED"
    NOT_SEEN = "NOT_SEEN"
    TIMED_OUT = "TIMED_OUT"
    NEVER_DELIVERED = "NEVER_DELIVERED"


class Journey(NamedTuple):
    """How far a tracker came under an assignment, from `assigned_at` to `released_at` (None: it lasts).

    departed_at: when it left storage for the last time before its delivery, or until now. away_since: it was delivered
    and has left again. stored: it is in storage.
    """

    assignment_id: int
    assigned_at: datetime
    released_at: datetime | None
    first_seen_at: datetime | None
    origin_id: int | None
    departed_at: datetime | None
    delivered_at: datetime | None
    away_since: datetime | None
    stored: bool

    @property
    def left_at(self) -> datetime | None:
        """When it set out; one that was never seen in storage did when it was first seen."""
        if self.delivered_at is None and self.stored:
            return None
        return self.departed_at or self.first_seen_at


class Pace(NamedTuple):
    """What the trackers that left a location took, or (origin_id None) all of them."""

    origin_id: int | None
    delivered: int
    median: timedelta
    p90: timedelta


class Point(NamedTuple):
    """The delivered share of all trackers, 0 to 1, at a moment."""

    at: datetime
    share: float


class Band(NamedTuple):
    """The share that is expected at a moment by the slow, the usual and the quick reading of the pace."""

    at: datetime
    slow: float
    usual: float
    quick: float


class Completion(NamedTuple):
    """expected_at: when the last tracker that is not overdue is expected, with the bounds of the band."""

    total: int
    delivered: int
    outcomes: Counter[Outcome]
    curve: list[Point]
    expected: list[Band]
    expected_at: datetime | None
    expected_between: tuple[datetime, datetime] | None
    overdue: int
    pace: list[Pace]

    @property
    def share(self) -> float:
        return self.delivered / self.total if self.total else 0.0


def outcome_of(journey: Journey, *, run_ends_at: datetime, now: datetime) -> Outcome:
    """At `now`, which is past `run_ends_at` when the run is over."""
    if journey.delivered_at:
        return Outcome.DELIVERED_AND_LEFT if journey.away_since else Outcome.DELIVERED
    if run_ends_at <= now:
        return Outcome.TIMED_OUT
    if journey.released_at and journey.released_at <= now:
        return Outcome.NEVER_DELIVERED
    if journey.first_seen_at is None:
        return Outcome.NOT_SEEN
    return Outcome.STORED if journey.stored else Outcome.ON_THE_WAY


def complete(journeys: Sequence[Journey], *, run_ends_at: datetime, now: datetime) -> Completion:
    """The completion of all these journeys together, as it stands at `now`."""
    outcomes = [outcome_of(journey, run_ends_at=run_ends_at, now=now) for journey in journeys]
    delivered = sorted(journey.delivered_at for journey in journeys if journey.delivered_at)
    under_way = (Outcome.ON_THE_WAY, Outcome.STORED, Outcome.NOT_SEEN)
    waiting = [journey for journey, it in zip(journeys, outcomes, strict=True) if it in under_way]
    forecast = _Forecast(journeys, now)
    expected = {quantile: forecast.arrivals(waiting, quantile) for quantile in (QUICK, USUAL, SLOW)}
    last = {quantile: max(arrivals, default=None) for quantile, arrivals in expected.items()}
    quick, slow = last[QUICK], last[SLOW]
    return Completion(
        total=len(journeys),
        delivered=len(delivered),
        outcomes=Counter(outcomes),
        curve=_curve(delivered, journeys, now),
        expected=_band(expected, len(delivered), len(journeys), now),
        expected_at=last[USUAL],
        expected_between=(quick, slow) if quick and slow else None,
        overdue=len(waiting) - len(expected[USUAL]) if forecast.is_possible else 0,
        pace=forecast.pace(),
    )


class _Forecast:
    """Estimates arrivals from what the delivered ones took."""

    def __init__(self, journeys: Iterable[Journey], now: datetime) -> None:
        self.now = now
        self.took: list[timedelta] = []
        self.stored_for: list[timedelta] = []
        self.took_from: dict[int, list[timedelta]] = {}
        for journey in journeys:
            if journey.left_at:
                self.stored_for.append(max(journey.left_at - journey.assigned_at, timedelta()))
            if journey.left_at and journey.delivered_at:
                took = max(journey.delivered_at - journey.left_at, timedelta())
                self.took.append(took)
                if journey.origin_id:
                    self.took_from.setdefault(journey.origin_id, []).append(took)
        for lengths in (self.took, self.stored_for, *self.took_from.values()):
            lengths.sort()

    @property
    def is_possible(self) -> bool:
        return len(self.took) >= MIN_SAMPLE

    def pace(self) -> list[Pace]:
        rows = [(None, self.took), *sorted(self.took_from.items())]
        return [
            Pace(origin, len(took), _quantile(took, USUAL), _quantile(took, SLOW))
            for origin, took in rows
            if took
        ]

    def arrivals(self, waiting: Iterable[Journey], quantile: float) -> list[datetime]:
        """When these are expected, without those that are overdue; none if too few were delivered."""
        if not self.is_possible:
            return []
        found = (self._arrival(journey, quantile) for journey in waiting)
        return sorted(moment for moment in found if moment)

    def _arrival(self, journey: Journey, quantile: float) -> datetime | None:
        took = self.took_from.get(journey.origin_id or 0, [])
        if len(took) < MIN_SAMPLE:
            took = self.took
        if journey.left_at:
            length = _longer_than(took, self.now - journey.left_at, quantile)
            return journey.left_at + length if length is not None else None
        stored_for = _longer_than(self.stored_for, self.now - journey.assigned_at, quantile)
        return None if stored_for is None else journey.assigned_at + stored_for + _quantile(took, quantile)


def _longer_than(lengths: list[timedelta], so_far: timedelta, quantile: float) -> timedelta | None:
    """The quantile of those (sorted) that are longer than `so_far`; None if there is none."""
    longer = lengths[bisect_right(lengths, so_far) :]
    return _quantile(longer, quantile) if longer else None


def _quantile(ordered: Sequence[timedelta], quantile: float) -> timedelta:
    """Of values in order: the smallest that so great a share of them does not exceed."""
    return ordered[min(int(quantile * len(ordered)), len(ordered) - 1)]


def _curve(delivered: list[datetime], journeys: Sequence[Journey], now: datetime) -> list[Point]:
    if not journeys:
        return []
    begin = min(journey.assigned_at for journey in journeys)
    return [Point(at, bisect_right(delivered, at) / len(journeys)) for at in _moments(min(begin, now), now)]


def _band(expected: dict[float, list[datetime]], delivered: int, total: int, now: datetime) -> list[Band]:
    end = max(expected[SLOW], default=now)
    if end <= now:
        return []

    def share(quantile: float, at: datetime) -> float:
        return (delivered + bisect_right(expected[quantile], at)) / total

    return [Band(at, share(SLOW, at), share(USUAL, at), share(QUICK, at)) for at in _moments(now, end)]


def _moments(begin: datetime, end: datetime) -> list[datetime]:
    """POINTS moments, evenly from `begin` to `end`."""
    step = (end - begin) / (POINTS - 1)
    return [*(begin + number * step for number in range(POINTS - 1)), end]
