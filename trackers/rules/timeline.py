"""The timeline: a tracker's history as a pure function of what was seen, in event order.

Values in, values out. What decides whether a tracker is at a location is measured beforehand
(`locations.matching`); here the measurements become places, changes of place and events.

The rules are numbered as in docs/timeline.md:
usable (1), inside (2), still inside (3), where it is (4), confirmation (5), events (6).
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple


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


class Candidate(NamedTuple):
    """A location that a sighting is in or near.

    inside: within the radius or the area, boundary included.
    gap_m: metres from the fence's edge outwards; zero or negative inside.
    centre_m: metres to the location's centre.
    """

    location_id: int
    is_delivery: bool
    inside: bool
    gap_m: float
    centre_m: float


class Sighting(NamedTuple):
    """A usable report, measured. reach_m: how much of its error circle may still touch a fence (rule 3)."""

    seen_at: datetime
    fingerprint: bytes
    reach_m: float
    candidates: Sequence[Candidate]


class StatusPeriod(NamedTuple):
    """A row of the status history, begun by the report (started_at, fingerprint).

    It lasts until the next period begins or the assignment ends.
    """

    place: Place
    started_at: datetime
    fingerprint: bytes


class Event(NamedTuple):
    """What a sighting means. ENTRY and EXIT carry the period that they begin; DWELL and TRANSIT begin none."""

    type: EventType
    location_id: int | None
    occurred_at: datetime
    fingerprint: bytes
    period: StatusPeriod | None


class Timeline(NamedTuple):
    periods: list[StatusPeriod]
    events: list[Event]


def is_usable(accuracy_m: float | None, max_accuracy_m: float) -> bool:
    """Rule 1. An unknown accuracy is usable."""
    return accuracy_m is None or accuracy_m <= max_accuracy_m


def locate(sighting: Sighting, here: Place) -> Place:
    """Rules 2 to 4: the place that a sighting tells, for a tracker that is `here`."""
    nearest: Candidate | None = None
    nearest_rank: tuple[bool, bool, float, int] | None = None
    for candidate in sighting.candidates:
        already_there = candidate.location_id == here.location_id
        if not (candidate.inside or (already_there and candidate.gap_m <= sighting.reach_m)):
            continue
        rank = (not candidate.is_delivery, not already_there, candidate.centre_m, candidate.location_id)
        if nearest_rank is None or rank < nearest_rank:
            nearest, nearest_rank = candidate, rank
    if nearest is None:
        return IN_TRANSIT
    return Place(Status.DELIVERED if nearest.is_delivery else Status.IN_STORAGE, nearest.location_id)


def derive(sightings: Iterable[Sighting], *, confirmations: int, start: Place = CREATED) -> Timeline:
    """The timeline of usable reports in event order (seen_at, fingerprint), for a tracker that is at `start`.

    The first report must not be one that `start`'s own confirmation still depends on.
    """
    derivation = _Derivation(confirmations, start)
    for sighting in sightings:
        derivation.see(sighting)
    derivation.dismiss_waiting()
    return Timeline(derivation.periods, derivation.events)


def derive_first(
    sightings: Iterable[Sighting], *, confirmations: int, start: Place = CREATED
) -> tuple[Timeline, Sighting | None]:
    """The timeline of the first of many reports, as `derive` does.

    Also returns the first sighting that still waits for confirmation, if any: it and those after it mean nothing
    yet, and the next part has to begin with it.
    """
    derivation = _Derivation(confirmations, start)
    for sighting in sightings:
        derivation.see(sighting)
    return Timeline(derivation.periods, derivation.events), derivation.waiting[
        0
    ] if derivation.waiting else None


class _Derivation:
    """The state between sightings: the place that counts, and the sightings that wait for confirmation."""

    def __init__(self, confirmations: int, start: Place) -> None:
        self.confirmations = confirmations
        self.here = start
        self.waiting: list[Sighting] = []
        self.waiting_for = start
        self.periods: list[StatusPeriod] = []
        self.events: list[Event] = []

    def see(self, sighting: Sighting) -> None:
        place = locate(sighting, self.here)
        if place.location_id == self.here.location_id:
            self.dismiss_waiting()
            self._remain(sighting)
            return
        if self.waiting and place != self.waiting_for:
            self.dismiss_waiting()
        self.waiting_for = place
        self.waiting.append(sighting)
        if len(self.waiting) >= self.confirmations:
            confirmed, self.waiting = self.waiting, []
            self._move(place, confirmed[0])
            for later in confirmed[1:]:
                self._remain(later)

    def dismiss_waiting(self) -> None:
        """Sightings that were not confirmed make the event of the place that still counts (rule 5)."""
        for sighting in self.waiting:
            self._remain(sighting)
        self.waiting = []

    def _remain(self, sighting: Sighting) -> None:
        if self.here.status is Status.CREATED:
            self.here = IN_TRANSIT
            self.periods.append(StatusPeriod(IN_TRANSIT, sighting.seen_at, sighting.fingerprint))
        type_ = EventType.TRANSIT if self.here.location_id is None else EventType.DWELL
        self.events.append(Event(type_, self.here.location_id, sighting.seen_at, sighting.fingerprint, None))

    def _move(self, place: Place, sighting: Sighting) -> None:
        seen_at, fingerprint = sighting.seen_at, sighting.fingerprint
        left, self.here = self.here, place
        period = StatusPeriod(place, seen_at, fingerprint)
        self.periods.append(period)
        if left.location_id is not None:
            self.events.append(Event(EventType.EXIT, left.location_id, seen_at, fingerprint, period))
        if place.location_id is not None:
            self.events.append(Event(EventType.ENTRY, place.location_id, seen_at, fingerprint, period))
