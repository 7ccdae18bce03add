"""A naive second implementation of the timeline's rules, to hold the real one against.

Written from the rules alone: it walks every report of one tracker from the beginning, looks ahead to see whether a
change is confirmed, and asks a function for distances. It shares no code with the application and takes no window,
no state and no database.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime


@dataclass(frozen=True)
class Policy:
    confirmations: int = 1
    max_accuracy_m: float = 300.0
    exit_accuracy_cap_m: float = 100.0
    entry_accuracy_factor: float = 3.0
    max_speed_kmh: float = 1000.0


@dataclass(frozen=True)
class Run:
    start_date: date
    end_date: date
    policy: Policy = Policy()


@dataclass(frozen=True)
class Fence:
    """A location as the rules see it; `radius_m` is that of the circle, 0 for an area. `size_m` is the radius of the
    circle of the same size."""

    id: int
    kind: str  # STORAGE or DELIVERY
    radius_m: float
    size_m: float
    runs: frozenset[int]
    active_from: datetime | None = None
    active_until: datetime | None = None

    def is_active(self, at: datetime) -> bool:
        return (self.active_from is None or self.active_from <= at) and (
            self.active_until is None or at < self.active_until
        )


@dataclass(frozen=True)
class Stint:
    """An assignment: `start` belongs to it, `end` doesn't."""

    id: int
    run: int
    start: datetime
    end: datetime | None = None


@dataclass(frozen=True)
class Sighting:
    """A report. `spot` is whatever the distance functions understand; an accuracy of 0 is none."""

    seen_at: datetime
    fingerprint: bytes
    spot: object
    accuracy_m: float | None = None


@dataclass(frozen=True)
class Row:
    """A row of the status history; `place` is a location's id or None."""

    stint: int
    status: str
    place: int | None
    started_at: datetime
    ended_at: datetime | None
    fingerprint: bytes


@dataclass(frozen=True)
class Event:
    stint: int
    type: str
    place: int | None
    occurred_at: datetime
    fingerprint: bytes


@dataclass(frozen=True)
class Outcome:
    history: tuple[Row, ...]
    events: tuple[Event, ...]
    status: str
    place: int | None
    status_since: datetime | None
    verdicts: dict[Sighting, str]


# (fence id, spot) -> metres to the fence's shape (its centre, or its area) and metres to its centre
Distances = Callable[[int, object], tuple[float, float]]
# (spot, spot) -> metres on the sphere
Between = Callable[[object, object], float]


class Oracle:
    def __init__(
        self, *, runs: dict[int, Run], fences: Sequence[Fence], distances: Distances, between: Between
    ) -> None:
        self.runs = runs
        self.fences = {fence.id: fence for fence in fences}
        self.distances = distances
        self.between = between

    def tell(self, stints: Sequence[Stint], sightings: Sequence[Sighting]) -> Outcome:
        """What one tracker's assignments and reports, given in any order, should lead to."""
        in_order = sorted(set(sightings), key=in_event_order)
        verdicts: dict[Sighting, str] = {}
        history: list[Row] = []
        events: list[Event] = []
        status, place, since = "CREATED", None, None
        for stint in sorted(stints, key=lambda it: it.start):
            told = self._tell_verdicts(stint, [it for it in in_order if self._concerns(stint, it)])
            verdicts |= told
            rows, its_events = self._tell_stint(stint, [it for it, verdict in told.items() if not verdict])
            history += rows
            events += its_events
            last = rows[-1] if rows else None
            status, place, since = (
                (last.status, last.place, last.started_at) if last else ("CREATED", None, None)
            )
        return Outcome(tuple(history), tuple(events), status, place, since, verdicts)

    def _concerns(self, stint: Stint, sighting: Sighting) -> bool:
        run = self.runs[stint.run]
        at = sighting.seen_at
        in_stint = stint.start <= at and (stint.end is None or at < stint.end)
        in_run = run.start_date <= at.astimezone(UTC).date() <= run.end_date
        return in_stint and in_run

    def _tell_verdicts(self, stint: Stint, sightings: Sequence[Sighting]) -> dict[Sighting, str]:
        """Why each of them does not count, in event order; empty for those that do."""
        policy = self.runs[stint.run].policy
        verdicts: dict[Sighting, str] = {}
        first_of_moment: dict[datetime, Sighting] = {}
        for it in sightings:
            if (it.accuracy_m or 0) > policy.max_accuracy_m:
                verdicts[it] = "INACCURATE"
            elif first_of_moment.setdefault(it.seen_at, it) is it:
                verdicts[it] = ""
            else:
                verdicts[it] = "SUPERSEDED"
        rest = list(first_of_moment.values())
        last: Sighting | None = None
        while rest:
            this, following = rest[0], rest[1] if len(rest) > 1 else None
            if last is None or self._can_get(policy, last, this):
                last, rest = this, rest[1:]
            elif following is None:
                verdicts[this], rest = "HELD", []
            elif self._can_get(policy, last, following) or not self._can_get(policy, this, following):
                verdicts[this], rest = "OUTLIER", rest[1:]
            else:
                last, rest = following, rest[2:]
        return verdicts

    def _can_get(self, policy: Policy, one: Sighting, other: Sighting) -> bool:
        far_m = self.between(one.spot, other.spot) - (one.accuracy_m or 0) - (other.accuracy_m or 0)
        hours = (other.seen_at - one.seen_at).total_seconds() / 3600
        return max(far_m, 0) / 1000 <= policy.max_speed_kmh * hours

    def _place_of(self, stint: Stint, sighting: Sighting, current: int | None) -> int | None:
        policy = self.runs[stint.run].policy
        candidates = []
        for fence in self.fences.values():
            if stint.run not in fence.runs or not fence.is_active(sighting.seen_at):
                continue
            to_shape, to_center = self.distances(fence.id, sighting.spot)
            slack = (
                min(sighting.accuracy_m or 0.0, policy.exit_accuracy_cap_m) if fence.id == current else 0.0
            )
            precise = (sighting.accuracy_m or 0) <= policy.entry_accuracy_factor * fence.size_m
            inside = to_shape <= fence.radius_m
            still_inside = fence.id == current and to_shape - slack <= fence.radius_m
            if still_inside or (inside and precise):
                candidates.append((fence.kind != "DELIVERY", fence.id != current, to_center, fence.id))
        return min(candidates)[3] if candidates else None

    def _is_confirmed(
        self, stint: Stint, ahead: Sequence[Sighting], current: int | None, new: int | None
    ) -> bool:
        needed = self.runs[stint.run].policy.confirmations
        agreeing = [it for it in ahead[:needed] if self._place_of(stint, it, current) == new]
        return len(agreeing) == needed

    def _tell_stint(self, stint: Stint, sightings: Sequence[Sighting]) -> tuple[list[Row], list[Event]]:
        history: list[Row] = []
        events: list[Event] = []
        current: int | None = None
        agreed = 0  # how many of the next reports belong to a change that is already made
        for index, sighting in enumerate(sightings):
            new = current
            if agreed:
                agreed -= 1
            else:
                new = self._place_of(stint, sighting, current)
                if new != current and self._is_confirmed(stint, sightings[index:], current, new):
                    agreed = self.runs[stint.run].policy.confirmations - 1
                else:
                    new = current
            if index == 0 or new != current:
                if history:
                    history[-1] = replace(history[-1], ended_at=sighting.seen_at)
                history.append(self._open(stint, new, sighting))
            events += [
                Event(stint.id, kind, place, sighting.seen_at, sighting.fingerprint)
                for kind, place in name_events(current, new)
            ]
            current = new
        if history:
            history[-1] = replace(history[-1], ended_at=stint.end)
        return history, events

    def _open(self, stint: Stint, place: int | None, sighting: Sighting) -> Row:
        status = "IN_TRANSIT"
        if place is not None:
            status = "DELIVERED" if self.fences[place].kind == "DELIVERY" else "IN_STORAGE"
        return Row(stint.id, status, place, sighting.seen_at, None, sighting.fingerprint)


def in_event_order(sighting: Sighting) -> tuple[datetime, float, bytes]:
    return sighting.seen_at, sighting.accuracy_m or float("inf"), sighting.fingerprint


def name_events(before: int | None, after: int | None) -> list[tuple[str, int | None]]:
    """The table of rule 8."""
    if before == after:
        return [("TRANSIT", None) if after is None else ("DWELL", after)]
    events: list[tuple[str, int | None]] = []
    if before is not None:
        events.append(("EXIT", before))
    if after is not None:
        events.append(("ENTRY", after))
    return events
