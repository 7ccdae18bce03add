"""The safety net: whatever somebody does to the history in SQL is found, repaired and counted."""

import io
import json
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from tests.factories import (
    ARRIVED,
    NOW,
    AssignmentFactory,
    DeliveryFactory,
    RunFactory,
    StorageFactory,
    TrackerFactory,
)
from tests.trackers.reports import LATITUDE, incoming, longitude_at, stored_events, stored_history
from trackers.models import GeofenceEvent, StatusChange, TimelineCheck, Tracker
from trackers.services.recomputation import queueing, recomputing, verifying
from trackers.services.recomputation.verifying import verify_oldest
from trackers.services.reports.recording import record_reports

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)
LATER = NOW + timedelta(days=2)


def at(moment):
    return lambda: moment


@pytest.fixture
def trackers():
    run = RunFactory()
    StorageFactory(runs=[run], center=f"POINT({longitude_at(0)} {LATITUDE})")
    DeliveryFactory(runs=[run], center=f"POINT({longitude_at(9_000)} {LATITUDE})")
    made = [AssignmentFactory(run=run).tracker for _ in range(3)]
    for tracker in made:
        spots = (0, 0, 4_000, 9_000, 9_000)
        record_reports(
            [incoming(tracker.pk, NOW + hour * HOUR, east_m=east_m) for hour, east_m in enumerate(spots)],
            now=ARRIVED,
        )
    Tracker.objects.update(verified_at=NOW)
    return made


SHORT = {
    "STAYS": "trackers_statuschange",
    "EVENTS": "trackers_geofenceevent",
    "OF_IT": "WHERE tracker_id = %(tracker)s",
}


def execute(*statements, tracker):
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for statement in statements:
            for short, long in SHORT.items():
                statement = statement.replace(short, long)  # noqa: PLW2901
            cursor.execute(statement, {"tracker": tracker.pk})


def everything(tracker):
    row = Tracker.objects.values().get(pk=tracker.pk)
    for column in ("verified_at", "updated_at"):
        del row[column]
    carried = GeofenceEvent.objects.valid().filter(tracker=tracker).order_by("occurred_at", "-type")
    links = list(carried.values_list("occurred_at", "status_change__status", "status_change__retracted_at"))
    return stored_history(tracker.pk), stored_events(tracker.pk), links, row


# What stands for longer text is in SHORT.
DAMAGE = {
    "history gone": (
        "DELETE FROM EVENTS OF_IT",
        "DELETE FROM STAYS OF_IT",
    ),
    "a row retracted": ("UPDATE STAYS SET retracted_at = now() OF_IT AND status = 'IN_TRANSIT'",),
    "last row closed": (
        "UPDATE STAYS SET ended_at = now() + interval '99 years' OF_IT AND ended_at IS NULL",
    ),
    "a row cut short": ("UPDATE STAYS SET ended_at = started_at OF_IT AND status = 'IN_STORAGE'",),
    "a row of another status": (
        "UPDATE STAYS SET status = 'IN_TRANSIT', location_id = NULL OF_IT AND status = 'DELIVERED'",
    ),
    "a row of another report": (
        "UPDATE STAYS SET fingerprint = decode(repeat('00', 16), 'hex') OF_IT AND ended_at IS NULL",
    ),
    "a row too many": (
        "INSERT INTO STAYS (tracker_id, assignment_id, status, started_at, ended_at, fingerprint, recorded_at)"
        " SELECT tracker_id, assignment_id, 'IN_TRANSIT', started_at - interval '2 days', started_at, fingerprint,"
        " recorded_at FROM STAYS OF_IT AND status = 'IN_STORAGE'",
    ),
    "events gone": ("DELETE FROM EVENTS OF_IT AND type <> 'DWELL'",),
    "an event retracted": ("UPDATE EVENTS SET retracted_at = now() OF_IT AND type = 'EXIT'",),
    "an event of another type": (
        "UPDATE EVENTS SET type = 'TRANSIT', location_id = NULL OF_IT AND type = 'DWELL'",
    ),
    "an event at another time": (
        "UPDATE EVENTS SET occurred_at = occurred_at + interval '1 minute' OF_IT AND type = 'DWELL'",
    ),
    "an event too many": (
        "INSERT INTO EVENTS (tracker_id, assignment_id, type, occurred_at, fingerprint, recorded_at)"
        " SELECT tracker_id, assignment_id, 'TRANSIT', occurred_at, fingerprint, recorded_at"
        " FROM EVENTS OF_IT AND type = 'DWELL'",
    ),
    "a crossing of another type": (
        "ALTER TABLE EVENTS DROP CONSTRAINT event_crossing_has_its_status_change",
        "UPDATE EVENTS SET type = 'DWELL' OF_IT AND type = 'ENTRY' AND occurred_at = (SELECT min(occurred_at)"
        " FROM EVENTS OF_IT)",
    ),
    "an event that lost its history": (
        "ALTER TABLE EVENTS DROP CONSTRAINT event_crossing_has_its_status_change",
        "UPDATE EVENTS SET status_change_id = NULL OF_IT AND type = 'EXIT'",
    ),
    "an event whose history is retracted": (
        "UPDATE STAYS SET retracted_at = now() OF_IT AND status = 'DELIVERED'",
    ),
    "rows that overlap": (
        "ALTER TABLE STAYS DROP CONSTRAINT status_change_no_overlap_per_tracker",
        "UPDATE STAYS SET ended_at = ended_at + interval '5 hours' OF_IT AND status = 'IN_STORAGE'",
    ),
    "two open rows": (
        "ALTER TABLE STAYS DROP CONSTRAINT status_change_no_overlap_per_tracker",
        "DROP INDEX status_change_one_open_per_tracker",
        "UPDATE STAYS SET ended_at = NULL OF_IT AND status = 'IN_STORAGE'",
    ),
    "a row of another place": (
        "UPDATE STAYS SET location_id = (SELECT min(id) FROM locations_location WHERE kind = 'STORAGE')"
        " OF_IT AND status = 'DELIVERED'",
    ),
    "a row missing": (
        "UPDATE EVENTS SET retracted_at = now() OF_IT AND type = 'EXIT'",
        "ALTER TABLE EVENTS DROP CONSTRAINT event_caused_its_status_change",
        "DELETE FROM STAYS OF_IT AND status = 'IN_TRANSIT'",
    ),
    "the tracker's status": (
        "UPDATE trackers_tracker SET status = 'IN_TRANSIT', location_id = NULL WHERE id = %(tracker)s",
    ),
    "the tracker's last position": (
        "UPDATE trackers_tracker SET last_position = 'POINT(1 1)' WHERE id = %(tracker)s",
    ),
    "the tracker's assignment": (
        "UPDATE trackers_tracker SET latest_assignment_id = NULL WHERE id = %(tracker)s",
    ),
}


@pytest.mark.parametrize("statements", DAMAGE.values(), ids=DAMAGE)
def test_damage_is_found_repaired_and_counted(trackers, statements):
    damaged, *others = trackers
    right = [everything(tracker) for tracker in trackers]
    execute(*statements, tracker=damaged)
    assert everything(damaged) != right[0]
    check = verify_oldest(trackers=10, clock=at(LATER))
    assert (check.trackers, check.drifted, check.checked_at) == (3, 1, LATER)
    assert [everything(tracker) for tracker in (damaged, *others)] == right
    assert verify_oldest(trackers=10, clock=at(LATER + HOUR)).drifted == 0


@pytest.mark.parametrize("statements", DAMAGE.values(), ids=DAMAGE)
def test_command_tells_damage_and_leaves_it_unless_told_to_repair(trackers, statements):
    damaged = trackers[0]
    right = everything(damaged)
    execute(*statements, tracker=damaged)
    wrong = everything(damaged)
    code, told = verify("--all")
    assert (code, told["trackers"], told["differences"]) == (1, 3, {damaged.mac: "differed"})
    assert everything(damaged) == wrong
    assert verify("--tracker", damaged.mac.lower(), "--repair")[0] == 1
    assert everything(damaged) == right
    code, told = verify()
    assert (code, told["drifted"], told["differences"]) == (0, 0, {})


def verify(*arguments):
    """The command's exit code and what it told."""
    out, code = io.StringIO(), 0
    try:
        call_command("verify_timelines", *arguments, "--json", stdout=out)
    except SystemExit as exit_:
        code = exit_.code
    return code, json.loads(out.getvalue())


def test_command_prints_a_table(trackers):
    execute(*DAMAGE["history gone"], tracker=trackers[0])
    out = io.StringIO()
    with pytest.raises(SystemExit):
        call_command("verify_timelines", stdout=out)
    assert trackers[0].mac in out.getvalue()
    assert "3 verified, 1 differed" in out.getvalue()


@pytest.mark.parametrize("mac", ["rubbish", "00:00:00:00:00:01"])
def test_command_refuses_a_tracker_that_there_is_not(trackers, mac):
    with pytest.raises(CommandError):
        call_command("verify_timelines", "--tracker", mac)


def test_what_is_repaired_is_retracted_with_the_check_as_reason(trackers):
    execute(*DAMAGE["a row too many"], tracker=trackers[0])
    verify_oldest(trackers=10, clock=at(LATER))
    row = StatusChange.objects.get(retracted_at__isnull=False)
    assert (row.retracted_after, row.retracted_at) == ("CHECK", LATER)


def test_one_that_cannot_be_recomputed_is_noted_and_not_first_again(trackers):
    bad = trackers[0]
    execute(
        "DELETE FROM EVENTS OF_IT",
        "DELETE FROM STAYS OF_IT",
        "ALTER TABLE STAYS ADD CONSTRAINT broken CHECK (tracker_id <> %(tracker)s) NOT VALID",
        tracker=bad,
    )
    check = verify_oldest(trackers=10, clock=at(LATER))
    assert (check.trackers, check.drifted, check.failed) == (3, 0, 1)
    [failure] = check.failures
    assert failure["tracker"] == bad.pk
    assert "broken" in failure["error"]
    assert not Tracker.objects.exclude(verified_at=LATER).exists()


def test_those_that_wait_for_a_recomputation_are_left_out(trackers):
    run = trackers[0].latest_assignment.run
    before = queueing.run_of(run.pk)
    type(run).objects.filter(pk=run.pk).update(confirmations=2)
    queueing.queue_run(run_id=run.pk, before=before, actor=None, now=LATER)
    check = verify_oldest(trackers=10, clock=at(LATER))
    assert (check.trackers, check.drifted) == (0, 0)


def test_fleet_of_100_000_is_through_within_a_day():
    every_ten_minutes = verifying.sample_size(fleet=100_000, since_latest=timedelta(minutes=10))
    assert every_ten_minutes * 6 * 24 >= 100_000
    assert every_ten_minutes < 1_000
    assert verifying.sample_size(fleet=100_000, since_latest=timedelta(days=9)) == 5_000
    assert verifying.sample_size(fleet=3, since_latest=timedelta(0)) == 1


def test_check_takes_what_the_time_since_the_last_one_asks_for(trackers):
    TimelineCheck.objects.create(checked_at=LATER - timedelta(minutes=10), trackers=0, drifted=0)
    assert verifying.verify_due(clock=at(LATER), time_budget_s=60).trackers == 1


def test_nothing_drifts_and_no_row_is_touched_where_all_is_right(trackers):
    before = (
        list(StatusChange.objects.order_by("id").values()),
        list(GeofenceEvent.objects.order_by("id").values()),
    )
    updated = list(Tracker.objects.order_by("id").values_list("updated_at", flat=True))
    check = verify_oldest(trackers=10, clock=at(LATER))
    assert (check.trackers, check.drifted) == (3, 0)
    assert (
        list(StatusChange.objects.order_by("id").values()),
        list(GeofenceEvent.objects.order_by("id").values()),
    ) == before
    assert list(Tracker.objects.order_by("id").values_list("updated_at", flat=True)) == updated


def test_sample_rolls_over_those_verified_longest_ago(trackers):
    verified = []
    for hour in range(4):
        verify_oldest(trackers=2, clock=at(LATER + hour * HOUR))
        fresh = Tracker.objects.filter(verified_at=LATER + hour * HOUR)
        verified.append(sorted(trackers.index(tracker) for tracker in fresh))
    assert verified == [[0, 1], [0, 2], [0, 1], [0, 2]]


def test_trackers_that_were_never_assigned_are_left_out(trackers):
    TrackerFactory()
    assert verify_oldest(trackers=10, clock=at(LATER)).trackers == 3


def test_large_sample_takes_several_transactions(trackers, monkeypatch):
    monkeypatch.setattr(recomputing, "TRACKERS_PER_BATCH", 2)
    execute(DAMAGE["events gone"][0], tracker=trackers[2])
    assert verify_oldest(trackers=10, clock=at(LATER)).drifted == 1
    assert TimelineCheck.objects.count() == 1
