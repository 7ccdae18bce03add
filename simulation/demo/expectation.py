"""What the demo's trackers should have gone through by the demo's beginning. Pure: computed from the plan alone.

Fetching, decryption and PostGIS have no part in it: the fleet's true positions, without the noise of the reports, are
held against the places' centres and radii by haversine. The fences are so much wider than the noise that both must
lead to the same history.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import takewhile
from typing import NamedTuple

from simulation.demo.places import STORAGE, Place
from simulation.demo.shipments import DemoRun
from simulation.findmy import fleet
from simulation.findmy.fleet import PhoneReport
from simulation.findmy.plan import Plan, PlannedTracker
from simulation.findmy.tracks import Itinerary, Point, distance_m
from trackers.rules import timeline
from trackers.rules.timeline import Policy
from trackers.rules.verdicts import Candidate, Report, Verdict

ENOUGH_REPORTS = 3
# The default of a run.
ENTRY_ACCURACY_FACTOR = 3
# Of a key with more copies than this the network may have forgotten some before anybody asked.
_CERTAIN_COPIES = 16


class Period(NamedTuple):
    """A status period: the shipment status and the name of its location, if it has one."""

    status: str
    location: str | None


@dataclass(frozen=True, slots=True)
class Expected:
    """history: the status periods in order. delivered: it has arrived and was seen there often enough. seen_at: the
    moments of reports that must be stored; to the second."""

    mac: str
    history: tuple[Period, ...]
    delivered: bool
    seen_at: frozenset[datetime]


def expected(plan: Plan, runs: Sequence[DemoRun]) -> dict[str, Expected]:
    """What is expected of every shipment, by MAC; recorded vehicles go where they like.

    runs: each shipment's run, in the plan's order.
    """
    return {
        tracker.mac: _expect(plan, tracker, tracker.track, run)
        for tracker, run in zip(plan.trackers, runs, strict=False)
        if isinstance(tracker.track, Itinerary)
    }


def _expect(plan: Plan, tracker: PlannedTracker, itinerary: Itinerary, run: DemoRun) -> Expected:
    seen = list(_seen_before(plan, tracker))
    usable = [phone_report for phone_report in seen if phone_report.report.accuracy_m <= run.max_accuracy_m]
    arrived_at = datetime.fromtimestamp(min(itinerary.arrives_s, plan.started_at.timestamp()), UTC)
    after_arrival = [phone_report for phone_report in usable if phone_report.report.seen_at >= arrived_at]
    return Expected(
        mac=tracker.mac,
        history=_history(usable, run),
        delivered=len(after_arrival) >= ENOUGH_REPORTS,
        seen_at=_certain(seen),
    )


def _seen_before(plan: Plan, tracker: PlannedTracker) -> Iterable[PhoneReport]:
    return takewhile(
        lambda phone_report: phone_report.report.seen_at < plan.started_at, fleet.phone_reports(plan, tracker)
    )


def _history(phone_reports: Iterable[PhoneReport], run: DemoRun) -> tuple[Period, ...]:
    measured = [_measured(phone_report, run.places) for phone_report in phone_reports]
    policy = Policy(run.confirmations, ENTRY_ACCURACY_FACTOR)
    periods = timeline.derive(measured, policy=policy).periods
    return tuple(Period(it.place.status.value, _name(it.place.location_id, run)) for it in periods)


def _measured(phone_report: PhoneReport, places: Sequence[Place]) -> Report:
    report, truth = phone_report.report, phone_report.truth
    return Report(
        report.seen_at, b"", *truth, report.accuracy_m, 0.0, Verdict.COUNTS, _candidates(truth, places)
    )


def _candidates(truth: Point, places: Sequence[Place]) -> tuple[Candidate, ...]:
    candidates = []
    for number, place in enumerate(places):
        away_m = distance_m(truth, place.center)
        if away_m <= place.radius_m:
            gap_m = away_m - place.radius_m
            candidates.append(Candidate(number, place.kind != STORAGE, True, gap_m, away_m, place.radius_m))
    return tuple(candidates)


def _name(number: int | None, run: DemoRun) -> str | None:
    return None if number is None else run.places[number].name


def _certain(phone_reports: Sequence[PhoneReport]) -> frozenset[datetime]:
    copies = Counter[int]()
    for phone_report in phone_reports:
        copies[phone_report.key_index] += phone_report.copies
    return frozenset(
        phone_report.report.seen_at
        for phone_report in phone_reports
        if copies[phone_report.key_index] <= _CERTAIN_COPIES
    )
