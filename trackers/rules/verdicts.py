"""Which reports count: those that are accurate enough, the first of their moment, and plausible.

Values in, values out. The rules are numbered as in docs/timeline.md: usable (1), one a moment (2), plausible (3).
"""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple, Protocol

from trackers.rules.distances import FARTHEST_M, at_most_m, great_circle_m


class Verdict(StrEnum):
    """What became of a report. Codes are stored; that of one that counts is empty, as almost all do."""

    COUNTS = ""
    SUPERSEDED = "SUPERSEDED"
    INACCURATE = "INACCURATE"
    OUTLIER = "OUTLIER"
    HELD = "HELD"


class Fix(NamedTuple):
    """Where a tracker was seen: degrees, and metres of error (None: unknown)."""

    seen_at: datetime
    latitude: float
    longitude: float
    accuracy_m: float | None


class Candidate(NamedTuple):
    """A location that a report is in or near.

    inside: within the radius or the area, boundary included.
    gap_m: metres from the fence's edge outwards; zero or negative inside.
    centre_m: metres to the location's centre.
    entry_radius_m: of the circle, or of the circle that is as large as the area.
    """

    location_id: int
    is_delivery: bool
    inside: bool
    gap_m: float
    centre_m: float
    entry_radius_m: float


class Report(NamedTuple):
    """A report, measured against the fences: a `Fix` with what else decides about it. One flat tuple, since a
    recomputation makes tens of thousands of them.

    reach_m: how much of its error circle may still touch a fence (rule 5). verdict: the code that is stored.
    """

    seen_at: datetime
    fingerprint: bytes
    latitude: float
    longitude: float
    accuracy_m: float | None
    reach_m: float
    verdict: str
    candidates: Sequence[Candidate]


class Seen(Protocol):
    """What distances and speeds go by: a `Fix`, and what has its fields."""

    @property
    def seen_at(self) -> datetime: ...
    @property
    def latitude(self) -> float: ...
    @property
    def longitude(self) -> float: ...
    @property
    def accuracy_m(self) -> float | None: ...


class Assessment(NamedTuple):
    """verdicts: of the reports, in their order. accepted: those that count. held: the one that the next will decide
    about."""

    verdicts: list[Verdict]
    accepted: list[Report]
    held: Report | None


def event_order(
    seen_at: datetime, accuracy_m: float | None, fingerprint: bytes
) -> tuple[datetime, bool, float, bytes]:
    """The key of event order: of one moment the most accurate first, unknown accuracies last."""
    return seen_at, accuracy_m is None, accuracy_m or 0, fingerprint


def is_usable(accuracy_m: float | None, max_accuracy_m: float) -> bool:
    """Rule 1. An unknown accuracy is usable."""
    return accuracy_m is None or accuracy_m <= max_accuracy_m


def excess_m(one: Seen, other: Seen) -> float:
    """Metres between two fixes that their errors don't explain."""
    distance_m = great_circle_m(one.latitude, one.longitude, other.latitude, other.longitude)
    return max(distance_m - (one.accuracy_m or 0) - (other.accuracy_m or 0), 0)


def is_reachable(before: Seen, after: Seen, max_speed_kmh: float) -> bool:
    """Whether something can have got from one fix to a later one."""
    elapsed_s = (after.seen_at - before.seen_at).total_seconds()
    allowed_m = max_speed_kmh / 3.6 * elapsed_s
    with_errors_m = allowed_m + (before.accuracy_m or 0) + (after.accuracy_m or 0)
    if with_errors_m >= FARTHEST_M:
        return True
    if at_most_m(before.latitude, before.longitude, after.latitude, after.longitude) <= with_errors_m:
        return True
    return excess_m(before, after) <= allowed_m


def assess(
    reports: Sequence[Report], *, max_accuracy_m: float, max_speed_kmh: float, last_accepted: Fix | None
) -> Assessment:
    """The verdicts on an assignment's reports from a moment on, in event order.

    last_accepted: the one before them, if there is any. None may be held at that moment.
    """
    plausibility = _Plausibility(max_speed_kmh, last_accepted)
    verdicts = []
    moment: datetime | None = None
    for number, report in enumerate(reports):
        if not is_usable(report.accuracy_m, max_accuracy_m):
            verdicts.append(Verdict.INACCURATE)
        elif report.seen_at == moment:
            verdicts.append(Verdict.SUPERSEDED)
        else:
            moment = report.seen_at
            verdicts.append(Verdict.COUNTS)
            plausibility.see(number, report)
    for number in plausibility.outliers:
        verdicts[number] = Verdict.OUTLIER
    held = plausibility.held
    if held is not None:
        verdicts[held.number] = Verdict.HELD
    return Assessment(verdicts, plausibility.accepted, held.report if held else None)


class _Numbered(NamedTuple):
    number: int
    report: Report


class _Plausibility:
    """Rule 3: the state between reports. A single one that can't be reached is held until the next one decides."""

    def __init__(self, max_speed_kmh: float, last: Seen | None) -> None:
        self.max_speed_kmh = max_speed_kmh
        self.last = last
        self.held: _Numbered | None = None
        self.accepted: list[Report] = []
        self.outliers: list[int] = []

    def see(self, number: int, report: Report) -> None:
        held = self.held
        if self.last is None or is_reachable(self.last, report, self.max_speed_kmh):
            self._dismiss_held()
            self._accept(report)
        elif held is not None and is_reachable(held.report, report, self.max_speed_kmh):
            self.held = None
            self._accept(held.report)
            self._accept(report)
        else:
            self._dismiss_held()
            self.held = _Numbered(number, report)

    def _accept(self, report: Report) -> None:
        self.last = report
        self.accepted.append(report)

    def _dismiss_held(self) -> None:
        if self.held is not None:
            self.outliers.append(self.held.number)
            self.held = None
