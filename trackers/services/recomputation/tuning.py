"""Tries other radii for a location: what the timeline would make of the reports around it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from foundation import bulk, sql
from foundation.errors import DomainError
from locations.models import Location
from locations.services import trying
from trackers.rules import timeline, tuning
from trackers.rules.timeline import Timeline
from trackers.rules.tuning import Near, Suggestion, Visit
from trackers.rules.verdicts import Candidate, Report
from trackers.services import history
from trackers.services.history import Window
from trackers.services.recomputation import recomputing

REPORTS_NEAR = sql.load("trackers/reports_near")

# A suggestion goes by the last reports of the last assignments, in this time.
REPORTS_OF_LAST = timedelta(days=90)
ASSIGNMENTS = 500
REPORTS_OF_EACH = 200
REPORTS = 20_000
# What every radius is tried with: about a second for ten of them.
REPORTS_TRIED = 5_000
REPORTS_ON_MAP = 2_000
FOREVER = datetime.max.replace(tzinfo=UTC)


class ReportNear(NamedTuple):
    """A usable report near a location: metres from the centre, and its accuracy in metres (0 if unknown)."""

    tracker_id: int
    seen_at: datetime
    distance_m: float
    accuracy_m: float
    longitude: float
    latitude: float


class HasAnAreaError(DomainError):
    code = "location_has_an_area"


@dataclass(frozen=True, slots=True)
class Trial:
    """A radius, and how many visits it has, gains and loses against the current one."""

    radius_m: int
    visits: int
    gained: int
    lost: int
    is_current: bool
    is_suggested: bool


@dataclass(frozen=True, slots=True)
class Tuning:
    """points: (longitude, latitude, accuracy_m) of the newest reports near. trackers: whose reports were tried at
    each radius; complete: these were all that were near."""

    suggestion: Suggestion
    trials: list[Trial]
    points: list[tuple[float, float, float]]
    trackers: int
    complete: bool


def try_radii(*, location: Location, now: datetime) -> Tuning:
    """Suggest a radius and derive the timeline with it, the current one and some between. Changes nothing.

    Raises HasAnAreaError for a location that is not a circle.
    """
    if location.area:
        raise HasAnAreaError("An area is drawn here: clear it to have a circle with a radius.")
    near = _reports_near(location, now)
    suggestion = tuning.suggest_radius(
        Near(report.tracker_id, report.seen_at, report.distance_m, report.accuracy_m) for report in near
    )
    radii = tuning.radii_to_compare(location.radius_m, suggestion.radius_m)
    tracker_ids, complete = _compared_trackers(near)
    with trying.with_radius(location_id=location.pk, radius_m=max(radii)):
        measured = history.accepted_reports(tracker_ids) if tracker_ids else []
    visits = {
        radius_m: [
            visit
            for window, accepted in measured
            for visit in _visits(window, accepted, location.pk, radius_m)
        ]
        for radius_m in radii
    }
    current = visits[round(location.radius_m)]
    trials = [
        Trial(
            radius_m,
            len(visits[radius_m]),
            *tuning.compare_visits(current, visits[radius_m]),
            is_current=radius_m == round(location.radius_m),
            is_suggested=radius_m == suggestion.radius_m,
        )
        for radius_m in radii
    ]
    points = [(report.longitude, report.latitude, report.accuracy_m) for report in near[:REPORTS_ON_MAP]]
    return Tuning(suggestion, trials, points, len(tracker_ids), complete)


def _reports_near(location: Location, now: datetime) -> list[ReportNear]:
    parameters = {
        "location_id": location.pk,
        "since": now - REPORTS_OF_LAST,
        "within_m": float(tuning.MOST_M),
        "assignments": ASSIGNMENTS,
        "of_each": REPORTS_OF_EACH,
        "most": REPORTS,
    }
    return bulk.fetch_rows(REPORTS_NEAR, parameters, ReportNear)


def _compared_trackers(near: Sequence[ReportNear]) -> tuple[list[int], bool]:
    """The first trackers near that together have at most REPORTS_TRIED reports, and whether these are all."""
    ids = sorted({report.tracker_id for report in near})
    numbers = recomputing.numbers_of_reports(ids, most=REPORTS_TRIED)
    chosen: list[int] = []
    left = REPORTS_TRIED
    for tracker_id in ids:
        if numbers[tracker_id] <= left:
            chosen.append(tracker_id)
            left -= numbers[tracker_id]
    return chosen, len(chosen) == len(ids)


def _visits(window: Window, accepted: Sequence[Report], location_id: int, radius_m: int) -> list[Visit]:
    """The visits at the location if its radius were this one; the reports were measured with a larger one."""
    derived = timeline.derive(
        [_resized(report, location_id, radius_m) for report in accepted],
        policy=window.scope.policy,
        start=window.start,
    )
    return list(_visits_at(derived, window, location_id))


def _resized(report: Report, location_id: int, radius_m: int) -> Report:
    if all(candidate.location_id != location_id for candidate in report.candidates):
        return report
    return report._replace(
        candidates=[
            _of_radius(candidate, radius_m) if candidate.location_id == location_id else candidate
            for candidate in report.candidates
        ]
    )


def _of_radius(candidate: Candidate, radius_m: int) -> Candidate:
    return candidate._replace(
        inside=candidate.centre_m <= radius_m,
        gap_m=candidate.centre_m - radius_m,
        entry_radius_m=radius_m,
    )


def _visits_at(derived: Timeline, window: Window, location_id: int) -> list[Visit]:
    ends = [period.started_at for period in derived.periods[1:]] + [window.scope.ends_at or FOREVER]
    return [
        Visit(window.scope.assignment_id, period.started_at, end)
        for period, end in zip(derived.periods, ends, strict=False)
        if period.place.location_id == location_id
    ]
