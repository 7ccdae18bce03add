"""The law of the timeline: history is a function of what was seen, never of how the reports arrived.

After every batch the store must say what the oracle says of the reports so far.
"""

from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone
from hypothesis import given

from locations.models import Location
from tests.factories import BrandFactory
from tests.laws import law
from tests.trackers.reports import batches_of, stored_events, stored_history
from tests.trackers.worlds import START, Stage, hesitant_worlds, worlds
from trackers.models import (
    DailyPosition,
    GeofenceEvent,
    HourlyPosition,
    LocationReport,
    Retraction,
    StatusChange,
    Tracker,
)
from trackers.services.history import Cause, recompute_trackers
from trackers.services.recomputation import recomputing
from trackers.services.recomputation.pacing import Pace
from trackers.services.reports.recording import record_reports

pytestmark = pytest.mark.django_db

LATER = START + timedelta(days=9)
CHECK = Cause(Retraction.CHECK)
FENCE = Cause(Retraction.FENCE)


@contextmanager
def staged(world, brand):
    """The world, and nothing of it afterwards."""
    with transaction.atomic():
        yield Stage(world, brand)
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        transaction.set_rollback(True)


def assert_told(stage, seen):
    """The store says of every tracker what the oracle says of these reports."""
    verdicts = {}
    for number, tracker in enumerate(stage.trackers):
        expected = stage.expected(number, seen)
        assert stored_history(tracker.pk) == list(expected.history)
        assert stored_events(tracker.pk) == list(expected.events)
        tracker.refresh_from_db()
        assert (tracker.status, tracker.location_id, tracker.status_since) == (
            expected.status,
            expected.place,
            expected.status_since,
        )
        assert stored_verdicts(tracker.pk, expected.verdicts) == expected.verdicts
        assert_last_report_shown(stage, number, seen, expected.verdicts)
        verdicts |= {(tracker.pk, it.seen_at, it.fingerprint): its for it, its in expected.verdicts.items()}
    return verdicts


def stored_verdicts(tracker_id, told):
    """Of the reports about which something is told."""
    rows = LocationReport.objects.filter(tracker=tracker_id).values_list("seen_at", "fingerprint", "verdict")
    stored = {(seen_at, bytes(fingerprint)): verdict for seen_at, fingerprint, verdict in rows}
    return {it: stored[it.seen_at, it.fingerprint] for it in told}


def assert_last_report_shown(stage, number, seen, verdicts):
    """Of those that are plausible and first of their moment, where that is told."""
    unseen = {
        (it.seen_at, it.fingerprint)
        for it, verdict in verdicts.items()
        if verdict in ("SUPERSEDED", "OUTLIER", "HELD")
    }
    tracker, latest = stage.trackers[number], max(stage.stints[number], key=lambda it: it.start)
    shown = [
        report
        for report in map(stage.incoming, (it for it in seen if it.tracker == number))
        if latest.start <= report.seen_at
        and (latest.end is None or report.seen_at < latest.end)
        and (report.seen_at, report.fingerprint) not in unseen
    ]
    newest = max((it.seen_at for it in shown), default=None)
    counting = {(it.seen_at, it.fingerprint) for it, verdict in verdicts.items() if not verdict}
    last = min(
        (it for it in shown if it.seen_at == newest),
        key=lambda it: (
            (it.seen_at, it.fingerprint) not in counting,
            it.accuracy_m or float("inf"),
            it.fingerprint,
        ),
        default=None,
    )
    assert tracker.latest_assignment_id == latest.id
    assert tracker.last_seen_at == (last and last.seen_at)
    assert tracker.last_accuracy_m == ((last and last.accuracy_m) or None)
    assert (tracker.last_position and tracker.last_position.x) == (last and last.longitude)


def assert_crossings_carry_history():
    """Every valid ENTRY or EXIT carries a valid row of history that the same report began."""
    crossings = GeofenceEvent.objects.valid().filter(type__in=["ENTRY", "EXIT"])
    for event in crossings.select_related("status_change"):
        row = event.status_change
        assert row.retracted_at is None
        assert (row.started_at, row.assignment_id) == (event.occurred_at, event.assignment_id)
        assert bytes(row.fingerprint) == bytes(event.fingerprint)


def assert_rollups_complete(seen, stage, verdicts):
    for model, unit in ((HourlyPosition, "hour"), (DailyPosition, "day")):
        buckets = {}
        for report in {stage.incoming(it) for it in seen}:
            at = report.seen_at.replace(minute=0)
            bucket = at.replace(hour=0) if unit == "day" else at
            buckets.setdefault((report.tracker_id, bucket), []).append(report)
        expected = {
            key: (
                len(rows),
                min(it.seen_at for it in rows),
                max(it.seen_at for it in rows),
                _best(rows, verdicts),
            )
            for key, rows in buckets.items()
        }
        stored = {
            (row.tracker_id, row.bucket_at): (
                row.reports,
                row.first_seen_at,
                row.last_seen_at,
                row.best_accuracy_m,
            )
            for row in model.objects.all()
        }
        assert stored == expected


def _best(rows, verdicts):
    plausible = [
        it
        for it in rows
        if verdicts.get((it.tracker_id, it.seen_at, it.fingerprint)) not in ("OUTLIER", "HELD")
    ]
    return min((it.accuracy_m for it in plausible if it.accuracy_m), default=None)


def contents():
    """Every row of history and every event by id, with what identifies it and whether it was retracted."""
    changes = StatusChange.objects.values_list(
        "id", "tracker", "assignment", "status", "location", "started_at", "fingerprint", "retracted_at"
    )
    events = GeofenceEvent.objects.values_list(
        "id",
        "tracker",
        "assignment",
        "type",
        "location",
        "occurred_at",
        "fingerprint",
        "status_change",
        "retracted_at",
    )
    return [{row[0]: tuple(map(_plain, row[1:])) for row in rows} for rows in (changes, events)]


def _plain(value):
    return bytes(value) if isinstance(value, memoryview) else value


def assert_ids_kept(before, after):
    """No row disappears or comes back, and what is still true is said by the same row."""
    for earlier, later in zip(before, after, strict=True):
        valid = {row[:-1] for row in later.values() if row[-1] is None}
        for id_, row in earlier.items():
            assert id_ in later
            assert later[id_][:-1] == row[:-1]
            if row[-1] is not None:
                assert later[id_] == row
            else:
                assert (later[id_][-1] is None) == (row[:-1] in valid)


@given(world=worlds)
@law(300)
def test_history_follows_from_the_reports_whatever_their_order_and_batches(world):
    with staged(world, BrandFactory()) as stage:
        seen = []
        before = contents()
        for number, batch in enumerate(world.arrivals):
            known = len(set(seen))
            seen += batch
            outcome = record_reports(
                [stage.incoming(it) for it in batch], now=START + timedelta(days=1, minutes=number)
            )
            assert (outcome.stored, outcome.rejected) == (len(set(seen)) - known, 0)
            assert outcome.stored + outcome.duplicates == len(batch)
            verdicts = assert_told(stage, seen)
            after = contents()
            assert_ids_kept(before, after)
            before = after
        assert_crossings_carry_history()
        assert_rollups_complete(seen, stage, verdicts)
        assert_recording_again_changes_nothing(stage, seen)
        assert_recomputation_finds_nothing(stage)


def assert_recording_again_changes_nothing(stage, seen):
    before = contents(), list(Tracker.objects.order_by("id").values())
    outcome = record_reports([stage.incoming(it) for it in seen], now=START + timedelta(days=9))
    assert (outcome.stored, outcome.duplicates, outcome.events.total()) == (0, len(seen), 0)
    assert (contents(), list(Tracker.objects.order_by("id").values())) == before


def assert_recomputation_finds_nothing(stage):
    before = contents()
    rewritten = recompute_trackers(tracker_ids=[row.pk for row in stage.trackers], cause=CHECK, now=LATER)
    assert rewritten.tracker_ids == set()
    assert contents() == before
    assert LocationReport.objects.count() == len(
        {(it.tracker, it.step, it.number) for batch in stage.world.arrivals for it in batch}
    )


@given(world=worlds | hesitant_worlds)
@law(100)
def test_replay_in_parts_says_the_same_as_at_once(world):
    """After the fences grew, and after they shrank again, with part of the reports arriving in between."""
    with (
        staged(world, BrandFactory()) as stage,
        pytest.MonkeyPatch.context() as patched,
    ):
        batches_of(patched, 1)
        seen = [it for batch in world.arrivals for it in batch]
        late = seen[::3]
        record_reports([stage.incoming(it) for it in seen if it not in late], now=LATER)
        Location.objects.update(radius_m=F("radius_m") * 4)
        _recompute_in_parts(stage)
        assert_recomputation_finds_nothing_wrong(stage)
        Location.objects.update(radius_m=F("radius_m") / 4)
        record_reports([stage.incoming(it) for it in late], now=LATER)
        _recompute_in_parts(stage)
        assert_told(stage, seen)
        assert_crossings_carry_history()
        assert_recomputation_finds_nothing_wrong(stage)


def _recompute_in_parts(stage):
    for tracker in stage.trackers:
        recomputed = recomputing.recompute_long(
            tracker_id=tracker.pk, cause=FENCE, now=LATER, pace=Pace(timezone.now)
        )
        assert not recomputed.failures


def assert_recomputation_finds_nothing_wrong(stage):
    tracker_ids = [row.pk for row in stage.trackers]
    assert recompute_trackers(tracker_ids=tracker_ids, cause=CHECK, now=LATER).tracker_ids == set()


@given(world=hesitant_worlds)
@law(60)
def test_each_arrival_alone_confirms_or_refutes_what_was_known(world):
    with staged(world, BrandFactory()) as stage:
        seen = []
        before = contents()
        for number, batch in enumerate(world.arrivals):
            seen += batch
            record_reports(
                [stage.incoming(it) for it in batch], now=START + timedelta(days=1, minutes=number)
            )
            expected = stage.expected(0, seen)
            assert stored_history(stage.trackers[0].pk) == list(expected.history)
            assert stored_events(stage.trackers[0].pk) == list(expected.events)
            after = contents()
            assert_ids_kept(before, after)
            before = after
        assert_recomputation_finds_nothing(stage)
