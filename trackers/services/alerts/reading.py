"""What a look for alerts goes by, read for a chunk of assignments at once."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from django.conf import settings

from foundation import bulk, sql
from trackers.models import Alert, RunCountries
from trackers.rules.anomalies import GAPS_FOR_RHYTHM, Leg, SeenHour, Sighting, Stay, distance_m
from trackers.rules.episodes import Episode, Kind, Stored
from trackers.rules.evaluation import Evidence
from trackers.services import history
from trackers.services.history import Scope

SIGHTINGS = sql.load("trackers/alert_sightings")
HOURS = sql.load("trackers/alert_hours")
STAYS = sql.load("trackers/alert_stays")
LEGS = sql.load("trackers/run_legs")

# Of a chunk's assignments together so many sightings are held at most; one with more is read alone.
SIGHTINGS_AT_ONCE = 1_000
STAYS_LOOKED_AT = 500
# A run with more storage or delivery locations is judged by the first of them.
LEG_ENDS = 30


class Look(NamedTuple):
    """An assignment to be looked at, because of what is new from `changed_since` on."""

    scope: Scope
    changed_since: datetime
    watched: bool

    @property
    def hours_since(self) -> datetime:
        """From when on the hours are judged. Those from before the retention horizon are kept, and tell the rhythm."""
        return max(self.changed_since, self.scope.kept_from or self.changed_since)


def gather(looks: Sequence[Look]) -> dict[int, Evidence]:
    """By assignment. Locks the alerts, in the order of their ids."""
    stored = _stored([look.scope.assignment_id for look in looks])
    sightings = _sightings(looks)
    hours = _hours(looks)
    stays: defaultdict[int, list[Stay]] = defaultdict(list)
    for assignment_id, status, location_id, started_at, ended_at in bulk.fetch_all(
        STAYS, _arrays(looks) | {"most": STAYS_LOOKED_AT}
    ):
        stays[assignment_id].append(Stay(status, location_id, started_at, ended_at))
    found = {}
    for look in looks:
        key = look.scope.assignment_id
        before = [hour for hour in hours[key] if hour.last_seen_at < look.hours_since]
        found[key] = Evidence(
            sightings=sightings[key],
            before=before,
            hours=hours[key][len(before) :],
            stays=stays[key],
            stays_are_cut=len(stays[key]) == STAYS_LOOKED_AT,
            stored=stored[key],
        )
    return found


def legs_of_runs(run_ids: Iterable[int]) -> defaultdict[int, list[Leg]]:
    """The ways between the storage and delivery locations of runs, by run; none where a kind is missing."""
    legs: defaultdict[int, list[Leg]] = defaultdict(list)
    for run_id, from_latitude, from_longitude, to_latitude, to_longitude in bulk.fetch_all(
        LEGS, {"run_ids": sorted(set(run_ids)), "most": LEG_ENDS}
    ):
        origin, destination = (from_latitude, from_longitude), (to_latitude, to_longitude)
        legs[run_id].append(Leg(origin, destination, distance_m(origin, destination)))
    return legs


def _arrays(looks: Sequence[Look]) -> dict[str, list[object]]:
    scopes = [look.scope for look in looks]
    return {
        "assignment_ids": [scope.assignment_id for scope in scopes],
        "tracker_ids": [scope.tracker_id for scope in scopes],
        "froms": [look.changed_since for look in looks],
        "sinces": [scope.since for scope in scopes],
        "untils": [scope.until for scope in scopes],
        "max_accuracies_m": [scope.max_accuracy_m for scope in scopes],
    }


def _sightings(looks: Sequence[Look], most: int | None = SIGHTINGS_AT_ONCE) -> dict[int, list[Sighting]]:
    found: dict[int, list[Sighting]] = {look.scope.assignment_id: [] for look in looks}
    parameters = {
        "allowed": _allowed(looks),
        "border_slack_m": settings.ALERT_BORDER_SLACK_KM * 1000,
        "most": most,
    }
    # Tuples in the order of the fields: a batch may read SIGHTINGS_AT_ONCE of them for each assignment.
    for assignment_id, *row in bulk.fetch_all(SIGHTINGS, _arrays(looks) | parameters):
        found[assignment_id].append(Sighting._make(row))
    if most is not None:
        for look in looks:
            if len(found[look.scope.assignment_id]) >= most:
                found |= _sightings([look], most=None)
    return found


def _allowed(looks: Sequence[Look]) -> list[str]:
    """The codes of the countries in which each may be, with commas between them."""
    runs = RunCountries.objects.filter(run__in={look.scope.run_id for look in looks})
    codes = {run_id: ",".join(countries) for run_id, countries in runs.values_list("run_id", "countries")}
    return [codes.get(look.scope.run_id, "") for look in looks]


def _hours(looks: Sequence[Look]) -> defaultdict[int, list[SeenHour]]:
    hours: defaultdict[int, list[SeenHour]] = defaultdict(list)
    parameters = {
        "froms": [look.hours_since for look in looks],
        "sinces": [look.scope.began_at for look in looks],
        "before": GAPS_FOR_RHYTHM + 1,
    }
    for assignment_id, first_seen_at, last_seen_at in bulk.fetch_all(HOURS, _arrays(looks) | parameters):
        hours[assignment_id].append(SeenHour(first_seen_at, last_seen_at))
    return hours


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
