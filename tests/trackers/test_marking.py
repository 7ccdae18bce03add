"""Whatever changes what is told of a tracker or an alert marks it, for the clients concerned and no others."""

import re
from datetime import date, timedelta

import pytest
from django.contrib.gis.geos import Point
from django.db import connection
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from clients.models import Brand, Client, ProductionRun
from locations.models import Location
from tests.factories import (
    NOW,
    AlertFactory,
    AssignmentFactory,
    DeliveryFactory,
    RunFactory,
    StorageFactory,
    TrackerFactory,
)
from tests.outbox.marks import marked_by
from tests.trackers.reports import LATITUDE, incoming, longitude_at
from trackers.models import Alert, Assignment, GeofenceEvent, StatusChange, Tracker
from trackers.services import assigning
from trackers.services.changes import locations as location_changes
from trackers.services.recomputation import jobs
from trackers.services.reports.recording import record_reports

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)
LATER = NOW + timedelta(days=2)


@pytest.fixture
def run():
    return RunFactory(start_date=date(2026, 1, 1), end_date=date(2026, 12, 31))


@pytest.fixture
def other_run():
    """Of another client."""
    return RunFactory(start_date=date(2026, 1, 1), end_date=date(2026, 12, 31))


@pytest.fixture
def depot(run):
    return StorageFactory(center=Point(longitude_at(0), LATITUDE), runs=[run])


@pytest.fixture
def tracker(run, depot):
    """In the depot since NOW, seen until four hours later; another one of the run hears of nothing."""
    tracker = AssignmentFactory(run=run).tracker
    AssignmentFactory(run=run)
    record_reports([incoming(tracker.pk, NOW + hour * HOUR) for hour in range(5)], now=LATER)
    return tracker


def client_of(run):
    return run.brand.client_id


def marks(work):
    return marked_by("tracker", work)


def test_late_report_that_leaves_the_newest_state_alone(run, tracker):
    before = Tracker.objects.get(pk=tracker.pk).updated_at
    late = incoming(tracker.pk, NOW + 30 * timedelta(minutes=1), number=7)
    assert marks(lambda: record_reports([late], now=LATER + HOUR)) == {(tracker.pk, client_of(run))}
    assert Tracker.objects.get(pk=tracker.pk).updated_at == before


def test_report_that_is_no_event(run, tracker):
    poor = incoming(tracker.pk, NOW + 30 * timedelta(minutes=1), number=7, accuracy_m=5_000.0)
    assert marks(lambda: record_reports([poor], now=LATER)) == {(tracker.pk, client_of(run))}


def test_report_that_is_there_already_is_no_change(tracker):
    assert marks(lambda: record_reports([incoming(tracker.pk, NOW)], now=LATER)) == set()


def test_report_of_no_assignment_is_for_staff_alone():
    tracker = TrackerFactory()
    assert marks(lambda: record_reports([incoming(tracker.pk, NOW)], now=LATER)) == {(tracker.pk, 0)}


def test_departure_is_told_to_both_clients(run, other_run, tracker):
    def move():
        assigning.release(tracker_ids=[tracker.pk], at=NOW + 3 * HOUR, now=LATER)
        assigning.assign(tracker_ids=[tracker.pk], run=other_run, start=NOW + 4 * HOUR, now=LATER)

    assert marks(move) == {(tracker.pk, client_of(run)), (tracker.pk, client_of(other_run))}


def test_report_goes_to_the_client_of_its_time(run, other_run, tracker):
    assigning.release(tracker_ids=[tracker.pk], at=NOW + 3 * HOUR, now=LATER)
    assigning.assign(tracker_ids=[tracker.pk], run=other_run, start=NOW + 6 * HOUR, now=LATER)

    def seen(hours):
        return marks(lambda: record_reports([incoming(tracker.pk, NOW + hours * HOUR, number=8)], now=LATER))

    assert seen(2.5) == {(tracker.pk, client_of(run))}
    assert seen(7) == {(tracker.pk, client_of(other_run))}
    assert seen(4.5) == {(tracker.pk, 0)}


def test_release_and_assignment(run, tracker):
    assert marks(lambda: assigning.release(tracker_ids=[tracker.pk], at=LATER, now=LATER)) == {
        (tracker.pk, client_of(run))
    }
    again = {"tracker_ids": [tracker.pk], "run": run, "start": LATER + HOUR, "now": LATER}
    assert marks(lambda: assigning.assign(**again)) == {(tracker.pk, client_of(run))}


def test_recomputation_after_a_fence_changed(run, depot, tracker):
    away = AssignmentFactory(run=run).tracker
    record_reports([incoming(away.pk, NOW, east_m=50_000)], now=LATER)
    changed = location_changes.change_location(location=depot, actor=None, now=LATER, center=Point(1, 50))
    assert changed.job

    def work():
        jobs.work_off(clock=lambda: LATER, time_budget_s=60)

    assert marks(work) == {(tracker.pk, client_of(run))}
    assert StatusChange.objects.filter(tracker=tracker, retracted_at__isnull=False).exists()


@pytest.mark.parametrize("model", [StatusChange, GeofenceEvent])
def test_retraction_alone(run, tracker, model):
    assert marks(lambda: model.objects.filter(tracker=tracker).update(retracted_at=LATER)) == {
        (tracker.pk, client_of(run))
    }


@pytest.mark.parametrize(
    "values",
    [
        {"state": Tracker.State.LOST},
        {"battery": "LOW"},
        {"serial": "another"},
        {"near_m": 12.0},
        {"last_received_at": LATER + HOUR},
        {"last_position": Point(5, 50)},
        {"updated_at": LATER + HOUR},
    ],
    ids=lambda values: next(iter(values)),
)
def test_each_column_of_the_row(run, tracker, values):
    assert marks(lambda: Tracker.objects.filter(pk=tracker.pk).update(**values)) == {
        (tracker.pk, client_of(run))
    }


def test_import_is_told_to_staff():
    added = []
    assert marks(lambda: added.append(TrackerFactory())) == {(added[0].pk, 0)}


@pytest.mark.parametrize(
    "change",
    [
        lambda run: ProductionRun.objects.filter(pk=run.pk).update(name="Another"),
        lambda run: ProductionRun.objects.filter(pk=run.pk).update(max_accuracy_m=5),
        lambda run: Brand.objects.filter(pk=run.brand_id).update(name="Another"),
        lambda run: Client.objects.filter(pk=run.brand.client_id).update(name="Another"),
    ],
    ids=["name of the run", "policy", "brand", "client"],
)
def test_what_a_row_shows_of_its_run(run, other_run, change):
    mine, _ = AssignmentFactory(run=run).tracker, AssignmentFactory(run=other_run).tracker
    assert marks(lambda: change(run)) == {(mine.pk, client_of(run))}


def test_name_of_the_location_where_it_is(run, depot, tracker):
    assert Tracker.objects.get(pk=tracker.pk).location_id == depot.pk
    assert marks(lambda: Location.objects.filter(pk=depot.pk).update(name="Another")) == {
        (tracker.pk, client_of(run))
    }


def test_assignment_that_is_moved_to_another_run(run, other_run):
    row = AssignmentFactory(run=run)
    told = marks(lambda: Assignment.objects.filter(pk=row.pk).update(run=other_run))
    assert told == {(row.tracker_id, client_of(run)), (row.tracker_id, client_of(other_run))}


def test_assignment_that_begins_elsewhere_or_is_deleted(run):
    row = AssignmentFactory(run=run, latest=False)
    period = DateTimeTZRange(NOW, None, "[)")
    told = {(row.tracker_id, client_of(run))}
    assert marks(lambda: Assignment.objects.filter(pk=row.pk).update(period=period)) == told
    assert marks(row.delete) == told


def test_what_is_tried_and_rolled_back_holds_up_no_tracker():
    """A run's or a location's change marks what shows it at its end only: reports are recorded while it is tried."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tgname, tgdeferrable AND tginitdeferred FROM pg_trigger"
            " WHERE tgname ~ '^(run|brand|client|location)_marks_'"
        )
        found = dict(cursor.fetchall())
    assert len(found) >= 9
    assert set(found.values()) == {True}


COLUMNS_NOBODY_IS_SHOWN = {"verified_at", "near_is_due"}


def test_every_column_of_a_tracker_is_compared_or_excused():
    with connection.cursor() as cursor:
        cursor.execute("SELECT prosrc FROM pg_proc WHERE proname = 'trackers_changed_trackers_are_marked'")
        [(source,)] = cursor.fetchall()
    compared = source.partition("EXCEPT")[0]
    columns = {field.column for field in Tracker._meta.concrete_fields}
    assert {name for name in columns if not re.search(rf"\b{name}\b", compared)} == COLUMNS_NOBODY_IS_SHOWN


# What the answers about followed rows are made of.
TOLD = {
    "trackers_tracker": "INSERT UPDATE",
    "trackers_locationreport": "INSERT UPDATE",
    "trackers_geofenceevent": "INSERT UPDATE",
    "trackers_statuschange": "INSERT UPDATE",
    "trackers_assignment": "INSERT UPDATE DELETE",
    "trackers_alert": "INSERT UPDATE",
    "orders_order": "INSERT UPDATE DELETE",
    "orders_deviceallocation": "INSERT UPDATE DELETE",
    "locations_location": "INSERT UPDATE DELETE",
    "locations_location_runs": "INSERT UPDATE DELETE",
    "clients_productionrun": "UPDATE",
    "clients_brand": "UPDATE",
    "clients_client": "UPDATE",
}
MARKING = """
SELECT DISTINCT event.event_manipulation
FROM information_schema.triggers AS event
JOIN pg_trigger AS trigger ON trigger.tgname = event.trigger_name AND trigger.tgenabled = 'O'
JOIN pg_proc AS function ON function.oid = trigger.tgfoid
WHERE event.event_object_table = %s AND trigger.tgrelid = event.event_object_table::regclass
    AND function.prosrc ~ '(outbox_mark_changed|_mark_(trackers_of_runs|alerts|orders))'
"""


@pytest.mark.parametrize(("table", "events"), TOLD.items(), ids=TOLD)
def test_no_writer_of_what_is_told_can_forget_to_mark(table, events):
    with connection.cursor() as cursor:
        cursor.execute(MARKING, [table])
        assert {row[0] for row in cursor.fetchall()} == set(events.split())


def test_alert_begins_changes_and_is_retracted(run):
    found = []
    row = AssignmentFactory(run=run)
    assert marked_by("alert", lambda: found.append(AlertFactory(assignment=row))) == {
        (found[0].pk, client_of(run))
    }
    (alert,) = found
    for values in ({"latest_at": LATER}, {"ended_at": LATER}, {"retracted_at": LATER}):
        told = marked_by("alert", lambda values=values: Alert.objects.filter(pk=alert.pk).update(**values))
        assert told == {(alert.pk, client_of(run))}


def test_site_outage_is_for_staff(run):
    location = DeliveryFactory()
    made = []

    def begin():
        made.append(
            Alert.objects.create(
                kind=Alert.Kind.SILENT_PLACE, location=location, began_at=NOW, latest_at=NOW, recorded_at=NOW
            )
        )

    assert marked_by("alert", begin) == {(made[0].pk, 0)}


def test_names_that_an_alert_shows(run):
    location = DeliveryFactory(runs=[run])
    alert = AlertFactory(assignment=AssignmentFactory(run=run), location=location)
    AlertFactory()
    told = {(alert.pk, client_of(run))}
    assert marked_by("alert", lambda: Location.objects.filter(pk=location.pk).update(name="Another")) == told
    assert marked_by("alert", lambda: ProductionRun.objects.filter(pk=run.pk).update(name="Another")) == told
