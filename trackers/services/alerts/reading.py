"""What an evaluation goes by, read for a batch of assignments at once."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from django.conf import settings

from foundation import bulk, sql
from trackers.models import Alert, RunCountries
from trackers.rules.anomalies import GAPS_FOR_RHYTHM, EvaluatedReport, Leg, SeenHour, StatusPeriod, distance_m
from trackers.rules.episodes import Episode, Kind, Stored
from trackers.rules.evaluation import EvaluationInput
from trackers.services import history
from trackers.services.history import Scope

REPORTS = sql.load("trackers/alert_reports")
HOURS = sql.load("trackers/alert_hours")
STATUS_PERIODS = sql.load("trackers/alert_status_periods")
LEGS = sql.load("trackers/run_legs")

# Of a batch's assignments together this many reports are held at most; one with more is read alone.
REPORTS_AT_ONCE = 1_000
PERIODS_READ = 500
# A run with more storage or delivery locations is evaluated by the first of them.
LEG_ENDS = 30


class LegEnds(NamedTuple):
    """The centres of a storage and a delivery location, in degrees."""

    from_latitude: float
    from_longitude: float
    to_latitude: float
    to_longitude: float

    @property
    def leg(self) -> Leg:
        origin, destination = (self.from_latitude, self.from_longitude), (self.to_latitude, self.to_longitude)
        return Leg(origin, destination, distance_m(origin, destination))


class DueAssignment(NamedTuple):
    """An assignment to be evaluated, because of what is new since `changed_since`."""

    scope: Scope
    changed_since: datetime
    watched: bool

    @property
    def hours_since(self) -> datetime:
        """Since when the hours are evaluated. Those from before the retention cutoff are kept, and tell the rhythm."""
        return max(self.changed_since, self.scope.kept_from or self.changed_since)


def gather(assignments: Sequence[DueAssignment]) -> dict[int, EvaluationInput]:
    """By assignment. Locks the alerts, in the order of their ids."""
    stored = _stored([assignment.scope.assignment_id for assignment in assignments])
    reports = _reports(assignments)
    hours = _hours(assignments)
    periods = bulk.fetch_groups(STATUS_PERIODS, _arrays(assignments) | {"most": PERIODS_READ}, StatusPeriod)
    found = {}
    for assignment in assignments:
        key = assignment.scope.assignment_id
        before = [hour for hour in hours[key] if hour.last_seen_at < assignment.hours_since]
        found[key] = EvaluationInput(
            reports=reports[key],
            before=before,
            hours=hours[key][len(before) :],
            periods=periods[key],
            periods_are_cut=len(periods[key]) == PERIODS_READ,
            stored=stored[key],
        )
    return found


def legs_of_runs(run_ids: Iterable[int]) -> defaultdict[int, list[Leg]]:
    """The ways between the storage and delivery locations of runs, by run; none where a kind is missing."""
    ends = bulk.fetch_groups(LEGS, {"run_ids": sorted(set(run_ids)), "most": LEG_ENDS}, LegEnds)
    return defaultdict(list, {run_id: [each.leg for each in found] for run_id, found in ends.items()})


def _arrays(assignments: Sequence[DueAssignment]) -> dict[str, list[object]]:
    scopes = [assignment.scope for assignment in assignments]
    return {
        "assignment_ids": [scope.assignment_id for scope in scopes],
        "tracker_ids": [scope.tracker_id for scope in scopes],
        "changed_sinces": [assignment.changed_since for assignment in assignments],
        "sinces": [scope.since for scope in scopes],
        "untils": [scope.until for scope in scopes],
    }


def _reports(
    assignments: Sequence[DueAssignment], most: int | None = REPORTS_AT_ONCE
) -> defaultdict[int, list[EvaluatedReport]]:
    parameters = {
        "allowed": _allowed(assignments),
        "border_slack_m": settings.ALERT_BORDER_SLACK_KM * 1000,
        "most": most,
    }
    found = bulk.fetch_groups(REPORTS, _arrays(assignments) | parameters, EvaluatedReport)
    if most is not None:
        for assignment in assignments:
            if len(found[assignment.scope.assignment_id]) >= most:
                found |= _reports([assignment], most=None)
    return found


def _allowed(assignments: Sequence[DueAssignment]) -> list[str]:
    """The codes of the countries in which each may be, with commas between them."""
    runs = RunCountries.objects.filter(run__in={assignment.scope.run_id for assignment in assignments})
    codes = {run_id: ",".join(countries) for run_id, countries in runs.values_list("run_id", "countries")}
    return [codes.get(assignment.scope.run_id, "") for assignment in assignments]


def _hours(assignments: Sequence[DueAssignment]) -> defaultdict[int, list[SeenHour]]:
    parameters = {
        "changed_sinces": [assignment.hours_since for assignment in assignments],
        "sinces": [assignment.scope.began_at for assignment in assignments],
        "before": GAPS_FOR_RHYTHM + 1,
    }
    return bulk.fetch_groups(HOURS, _arrays(assignments) | parameters, SeenHour)


def _stored(assignment_ids: Collection[int]) -> defaultdict[int, list[Stored]]:
    rows = Alert.objects.valid().filter(assignment__in=assignment_ids).order_by("pk")
    if kept_from := history.frozen_before():
        # Nothing is left that could tell them again: they stand.
        rows = rows.exclude(ended_at__lte=kept_from)
    stored: defaultdict[int, list[Stored]] = defaultdict(list)
    for row in rows.select_for_update(no_key=True).values("pk", "assignment_id", *Episode._fields):
        episode = Episode(**{name: row[name] for name in Episode._fields})
        stored[row["assignment_id"]].append(Stored(row["pk"], episode._replace(kind=Kind(episode.kind))))
    return stored
