"""The timeline: a tracker's history as a pure function of the reports that count, in event order.

Values in, values out. Which reports count `verdicts` tells; what decides whether a tracker is at a location is
measured beforehand (`locations.matching`). Here the measurements become places, changes of place and events.

The rules are numbered as in docs/timeline.md: inside and precise enough to enter (4), still inside (5), where it
is (6), confirmation (7), events (8).
"""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from trackers.rules.verdicts import Candidate, Report


class Status(StrEnum):
    """Where a tracker stands. Among several locations delivery wins over storage."""

    CREATED = "CREATED"
    IN_TRANSIT = "IN_TRANSIT"
    IN_STORAGE = "IN_STORAGE"
    DELIVERED = "DELIVERED"


class EventType(StrEnum):
    ENTRY = "ENTRY"
    EXIT = "EXIT"
    DWELL = "DWELL"
    TRANSIT = "TRANSIT"


class Place(NamedTuple):
    """A status and the location it is about; only IN_STORAGE and DELIVERED have one."""

    status: Status
    location_id: int | None


CREATED = Place(Status.CREATED, None)
IN_TRANSIT = Place(Status.IN_TRANSIT, None)


class StatusPeriod(NamedTuple):
    """A row of the status history, begun by the report (started_at, fingerprint).

    It lasts until the next period begins or the assignment ends.
    """

    place: Place
    started_at: datetime
    fingerprint: bytes


class Event(NamedTuple):
    """What a report means. ENTRY and EXIT carry the period that they begin; DWELL and TRANSIT begin none."""

    type: EventType
    location_id: int | None
    occurred_at: datetime
    fingerprint: bytes
    period: StatusPeriod | None


class Timeline(NamedTuple):
    periods: list[StatusPeriod]
    events: list[Event]


class Policy(NamedTuple):
    """What a run rules about the places of its trackers (rules 4 and 7)."""

    confirmations: int
    entry_accuracy_factor: int


def locate(report: Report, here: Place, policy: Policy) -> Place:
    """Rules 4 to 6: the place that a report tells, for a tracker that is `here`."""
    nearest: Candidate | None = None
    nearest_rank: tuple[bool, bool, float, int] | None = None
    for candidate in report.candidates:
        already_there = candidate.location_id == here.location_id
        still_inside = already_there and candidate.gap_m <= report.reach_m
        if not (still_inside or (candidate.inside and is_precise_enough(report, candidate, policy))):
            continue
        rank = (not candidate.is_delivery, not already_there, candidate.centre_m, candidate.location_id)
        if nearest_rank is None or rank < nearest_rank:
            nearest, nearest_rank = candidate, rank
    if nearest is None:
        return IN_TRANSIT
    return Place(Status.DELIVERED if nearest.is_delivery else Status.IN_STORAGE, nearest.location_id)


def is_precise_enough(report: Report, candidate: Candidate, policy: Policy) -> bool:
    """Rule 4: whether the report's error leaves it believable that it is inside and not beside. Unknown passes."""
    accuracy_m = report.accuracy_m
    return accuracy_m is None or accuracy_m <= policy.entry_accuracy_factor * candidate.entry_radius_m


def derive(reports: Iterable[Report], *, policy: Policy, start: Place = CREATED) -> Timeline:
    """The timeline of accepted reports in event order, for a tracker that is at `start`.

    The first report must not be one that `start`'s own confirmation still depends on.
    """
    derivation = _Derivation(policy, start)
    for report in reports:
        derivation.see(report)
    derivation.dismiss_waiting()
    return Timeline(derivation.periods, derivation.events)


def derive_first(
    reports: Iterable[Report], *, policy: Policy, start: Place = CREATED
) -> tuple[Timeline, Report | None]:
    """The timeline of the first of many reports, as `derive` does.

    Also returns the first report that still waits for confirmation, if any: it and those after it mean nothing yet,
    and the next part has to begin with it.
    """
    derivation = _Derivation(policy, start)
    for report in reports:
        derivation.see(report)
    waiting = derivation.waiting[0] if derivation.waiting else None
    return Timeline(derivation.periods, derivation.events), waiting


class _Derivation:
    """The state between reports: the place that counts, and the reports that wait for confirmation."""

    def __init__(self, policy: Policy, start: Place) -> None:
        self.policy = policy
        self.here = start
        self.waiting: list[Report] = []
        self.waiting_for = start
        self.periods: list[StatusPeriod] = []
        self.events: list[Event] = []

    def see(self, report: Report) -> None:
        place = locate(report, self.here, self.policy)
        if place.location_id == self.here.location_id:
            self.dismiss_waiting()
            self._remain(report)
            return
        if self.waiting and place != self.waiting_for:
            self.dismiss_waiting()
        self.waiting_for = place
        self.waiting.append(report)
        if len(self.waiting) >= self.policy.confirmations:
            confirmed, self.waiting = self.waiting, []
            self._move(place, confirmed[0])
            for later in confirmed[1:]:
                self._remain(later)

    def dismiss_waiting(self) -> None:
        """Reports that were not confirmed make the event of the place that still counts (rule 7)."""
        for report in self.waiting:
            self._remain(report)
        self.waiting = []

    def _remain(self, report: Report) -> None:
        if self.here.status is Status.CREATED:
            self.here = IN_TRANSIT
            self.periods.append(StatusPeriod(IN_TRANSIT, report.seen_at, report.fingerprint))
        type_ = EventType.TRANSIT if self.here.location_id is None else EventType.DWELL
        self.events.append(Event(type_, self.here.location_id, report.seen_at, report.fingerprint, None))

    def _move(self, place: Place, report: Report) -> None:
        seen_at, fingerprint = report.seen_at, report.fingerprint
        left, self.here = self.here, place
        period = StatusPeriod(place, seen_at, fingerprint)
        self.periods.append(period)
        if left.location_id is not None:
            self.events.append(Event(EventType.EXIT, left.location_id, seen_at, fingerprint, period))
        if place.location_id is not None:
            self.events.append(Event(EventType.ENTRY, place.location_id, seen_at, fingerprint, period))
