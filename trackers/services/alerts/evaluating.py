"""Evaluates the trackers that are due, and makes their alerts say what their reports and history say."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

import structlog
from django.conf import settings
from django.db import transaction

from foundation import batching, bulk
from trackers.models import Alert, AlertWatch, Tracker
from trackers.rules import evaluation
from trackers.rules.anomalies import Thresholds
from trackers.rules.episodes import Episode, Stored
from trackers.rules.evaluation import Evaluation, Span
from trackers.services import history
from trackers.services.alerts import publishing, reading
from trackers.services.alerts.reading import DueAssignment
from trackers.services.history import Scope

log = structlog.get_logger(__name__)

TRACKERS_PER_TRANSACTION = 200
# A tracker that can't be evaluated.
TRY_AGAIN_AFTER = timedelta(hours=1)
NOT_EVALUATED_COUNTED = 1_000

RETRACT = "UPDATE trackers_alert SET retracted_at = %(now)s::timestamptz WHERE id = ANY(%(ids)b::bigint[])"
CHANGE = """
UPDATE trackers_alert AS alert
SET began_at = change.began_at,
    latest_at = change.latest_at,
    ended_at = change.ended_at,
    measure = change.measure,
    location_id = change.location_id,
    country = change.country
FROM unnest(
    %(ids)b::bigint[],
    %(began_ats)b::timestamptz[],
    %(latest_ats)b::timestamptz[],
    %(ended_ats)b::timestamptz[],
    %(measures)b::float8[],
    %(location_ids)b::bigint[],
    %(countries)b::text[]
) AS change (id, began_at, latest_at, ended_at, measure, location_id, country)
WHERE alert.id = change.id
"""
ALERT_IDS = """
SELECT nextval(pg_get_serial_sequence('trackers_alert', 'id')) FROM generate_series(1, %(wanted)s::integer)
"""
ADD_COLUMNS = {
    "id": "int8",
    "kind": "text",
    "tracker_id": "int8",
    "assignment_id": "int8",
    "began_at": "timestamptz",
    "latest_at": "timestamptz",
    "ended_at": "timestamptz",
    "measure": "float8",
    "location_id": "int8",
    "country": "text",
    "recorded_at": "timestamptz",
}
EVALUATED = """
UPDATE trackers_alertwatch AS watch
SET changed_since = NULL, due_at = evaluated.due_at, problem = ''
FROM unnest(%(tracker_ids)b::bigint[], %(due_ats)b::timestamptz[]) AS evaluated (tracker_id, due_at)
WHERE watch.tracker_id = evaluated.tracker_id
"""


class Evaluated(NamedTuple):
    scope: Scope
    evaluation: Evaluation


def thresholds() -> Thresholds:
    """What counts as an anomaly, from the settings."""
    return Thresholds(
        silent_factor=settings.ALERT_SILENT_FACTOR,
        silent_min=timedelta(hours=settings.ALERT_SILENT_MIN_HOURS),
        silent_max=timedelta(hours=settings.ALERT_SILENT_MAX_HOURS),
        never_reported_after=timedelta(hours=settings.ALERT_NEVER_REPORTED_HOURS),
        off_route_detour=settings.ALERT_OFF_ROUTE_DETOUR,
        off_route_slack_m=settings.ALERT_OFF_ROUTE_SLACK_KM * 1000,
        long_storage=timedelta(days=settings.ALERT_LONG_STORAGE_DAYS),
        long_transit=timedelta(days=settings.ALERT_LONG_TRANSIT_DAYS),
        back_after=timedelta(hours=settings.ALERT_BACK_AFTER_HOURS),
    )


def evaluate_due(*, most: int, now: datetime) -> int:
    """Evaluate the trackers that are due, those with news first, `most` of them at most; returns their number.

    Each few are a transaction of their own; several workers may evaluate at once, each others. One that can't be
    evaluated costs only itself: its watch says why, and it comes again after TRY_AGAIN_AFTER.
    """
    evaluated = 0
    while evaluated < most:
        wanted = min(TRACKERS_PER_TRANSACTION, most - evaluated)
        with transaction.atomic():
            watches = _claim(wanted, now)
            batching.halve_until_alone(
                watches,
                work=lambda part: _evaluate(part, now),
                alone=lambda watch, error: _set_aside(watch, error, now),
                blamed=batching.BLAMED_ON_DATA,
            )
        evaluated += len(watches)
        if len(watches) < wanted:
            break
    return evaluated


def trackers_not_evaluated() -> int:
    """How many trackers could not be evaluated the last time; up to NOT_EVALUATED_COUNTED."""
    return AlertWatch.objects.exclude(problem="").values("pk")[:NOT_EVALUATED_COUNTED].count()


def _claim(wanted: int, now: datetime) -> list[AlertWatch]:
    """The trackers that are due and that nobody else evaluates, longest due first."""
    due = AlertWatch.objects.filter(due_at__lte=now).order_by("due_at")
    due = due.select_for_update(skip_locked=True, no_key=True)
    watches = list(due.filter(changed_since__isnull=False)[:wanted])
    if len(watches) < wanted:
        watches += due.filter(changed_since=None)[: wanted - len(watches)]
    return watches


def _set_aside(watch: AlertWatch, error: Exception, now: datetime) -> None:
    log.error("alerts_not_evaluated", tracker_id=watch.tracker_id, exc_info=error)
    AlertWatch.objects.filter(pk=watch.pk).update(
        problem=f"{type(error).__name__}: {error}"[:500], due_at=now + TRY_AGAIN_AFTER
    )


@transaction.atomic
def _evaluate(watches: Sequence[AlertWatch], now: datetime) -> None:
    changed_since = {watch.tracker_id: watch.changed_since for watch in watches}
    scopes = history.load_scopes(changed_since)
    assignments = _due_assignments(scopes, changed_since, now)
    found = reading.gather(assignments)
    legs = reading.legs_of_runs(assignment.scope.run_id for assignment in assignments)
    evaluated = [
        Evaluated(
            assignment.scope,
            evaluation.evaluate(
                found[assignment.scope.assignment_id],
                _span(assignment),
                legs=legs[assignment.scope.run_id],
                thresholds=thresholds(),
                now=now,
            ),
        )
        for assignment in assignments
    ]
    _write(evaluated, now)
    _schedule(changed_since, scopes, evaluated, now)


def _span(assignment: DueAssignment) -> Span:
    scope = assignment.scope
    expected_from = max(scope.began_at, scope.activated_at or scope.began_at)
    return Span(expected_from, scope.until, assignment.watched, scope.kept_from)


def _due_assignments(
    scopes: Sequence[Scope], changed_since: dict[int, datetime | None], now: datetime
) -> list[DueAssignment]:
    """The assignments that may have changed: those in force, those of the change, and those with open alerts."""
    trackers = Tracker.objects.filter(pk__in=changed_since, state=Tracker.State.ACTIVE)
    watched = set(trackers.values_list("pk", flat=True))
    alerted = set(
        Alert.objects.open().filter(tracker__in=changed_since).values_list("assignment_id", flat=True)
    )
    assignments = []
    for scope in scopes:
        since = changed_since[scope.tracker_id] or now
        if scope.since < min(scope.until, now) and (
            since < scope.until or now < scope.until or scope.assignment_id in alerted
        ):
            assignments.append(DueAssignment(scope, since, scope.tracker_id in watched))
    return assignments


def _write(evaluated: Sequence[Evaluated], now: datetime) -> None:
    """What ends comes before what begins: one alert of a kind at most is open at any moment."""
    differences = [(each.scope, each.evaluation.differences) for each in evaluated]
    before = publishing.read(_stored_ids(evaluated))
    if retracted := [id_ for _, each in differences for id_ in each.to_retract]:
        bulk.execute(RETRACT, {"ids": retracted, "now": now})
    changes = [row for _, each in differences for row in each.to_change]
    _change([row for row in changes if row.episode.ended_at])
    _change([row for row in changes if not row.episode.ended_at])
    additions = [(scope, episode) for scope, each in differences for episode in each.to_add]
    new_ids = bulk.fetch_values(ALERT_IDS, {"wanted": len(additions)}) if additions else []
    if additions:
        rows = [
            _row(id_, scope, episode, now) for id_, (scope, episode) in zip(new_ids, additions, strict=True)
        ]
        bulk.copy_rows("trackers_alert", ADD_COLUMNS, rows)
    publishing.publish_changes(before, publishing.read([*before, *new_ids]), now=now)


def _stored_ids(evaluated: Sequence[Evaluated]) -> list[int]:
    """Those that are retracted or changed."""
    differences = [each.evaluation.differences for each in evaluated]
    return [id_ for each in differences for id_ in (*each.to_retract, *(row.id for row in each.to_change))]


def _change(rows: Sequence[Stored]) -> None:
    if rows:
        episodes = [row.episode for row in rows]
        columns = {
            "ids": [row.id for row in rows],
            "began_ats": [episode.began_at for episode in episodes],
            "latest_ats": [episode.latest_at for episode in episodes],
            "ended_ats": [episode.ended_at for episode in episodes],
            "measures": [episode.measure for episode in episodes],
            "location_ids": [episode.location_id for episode in episodes],
            "countries": [episode.country for episode in episodes],
        }
        bulk.execute(CHANGE, columns)


def _row(id_: int, scope: Scope, episode: Episode, now: datetime) -> tuple[object, ...]:
    """The values of ADD_COLUMNS."""
    return (
        id_,
        episode.kind.value,
        scope.tracker_id,
        scope.assignment_id,
        episode.began_at,
        episode.latest_at,
        episode.ended_at,
        episode.measure,
        episode.location_id,
        episode.country,
        now,
    )


def _schedule(
    tracker_ids: dict[int, datetime | None],
    scopes: Sequence[Scope],
    evaluated: Sequence[Evaluated],
    now: datetime,
) -> None:
    """Each tracker's next evaluation; none for one whose assignments are all over."""
    due: dict[int, datetime] = {}
    moments = [
        (each.scope.tracker_id, each.evaluation.due_at) for each in evaluated if each.evaluation.due_at
    ]
    moments += [(scope.tracker_id, scope.since) for scope in scopes if now <= scope.since < scope.until]
    for tracker_id, moment in moments:
        if moment:
            due[tracker_id] = min(due.get(tracker_id, moment), moment)
    bulk.execute(EVALUATED, bulk.transposed(sorted(due.items()), ("tracker_ids", "due_ats")))
    AlertWatch.objects.filter(pk__in=tracker_ids.keys() - due.keys()).delete()
