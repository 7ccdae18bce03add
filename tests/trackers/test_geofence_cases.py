"""Cases of geofencing and motion that other systems publish or get wrong, by way of `record_reports`."""

import random
from datetime import timedelta

import pytest

from tests.factories import ARRIVED, NOW, AssignmentFactory, DeliveryFactory, RunFactory, StorageFactory
from tests.trackers.reports import LATITUDE, incoming, longitude_at, periods, told
from trackers.models import GeoStatus, Retraction
from trackers.services.history import Cause, recompute_trackers
from trackers.services.reports.recording import record_reports

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)


def place(run, factory=StorageFactory, *, east_m=0, name="Depot", **values):
    return factory(runs=[run], name=name, center=f"POINT({longitude_at(east_m)} {LATITUDE})", **values)


def tracker_under(**policy):
    run = RunFactory(**policy)
    return run, AssignmentFactory(run=run).tracker


def seen(tracker, minute, east_m, accuracy_m=50.0):
    return incoming(tracker.pk, NOW + minute * MINUTE, east_m=east_m, accuracy_m=accuracy_m)


def crossings(tracker):
    return [(kind, name) for kind, name, _ in told(tracker.pk) if kind in ("ENTRY", "EXIT")]


@pytest.mark.parametrize("seed", range(3))
def test_drift_of_a_parked_device_at_the_edge_makes_one_entry_and_no_exit(seed):
    run, tracker = tracker_under()
    place(run)
    chance = random.Random(seed)
    fixes = [95.0, *(95 + chance.uniform(-40, 40) for _ in range(60))]
    for minute, east_m in enumerate(fixes):
        record_reports([seen(tracker, minute, east_m)], now=ARRIVED + DAY)
    assert crossings(tracker) == [("ENTRY", "Depot")]
    assert periods(tracker.pk) == [("IN_STORAGE", 0, None)]


def test_drift_makes_exits_where_accuracy_is_not_allowed_to_count():
    run, tracker = tracker_under(exit_accuracy_cap_m=0)
    place(run)
    record_reports([seen(tracker, minute, 95 + 40 * (-1) ** minute) for minute in range(4)], now=ARRIVED)
    assert [it[0] for it in told(tracker.pk)] == ["TRANSIT", "ENTRY", "EXIT", "ENTRY"]


def test_error_circle_of_two_kilometres_exits_all_the_same():
    run, tracker = tracker_under(max_accuracy_m=5_000)
    place(run)
    record_reports(
        [seen(tracker, 0, 0), seen(tracker, 1, 190, 2_000.0), seen(tracker, 2, 210, 2_000.0)], now=ARRIVED
    )
    assert [it[0] for it in told(tracker.pk)] == ["ENTRY", "DWELL", "EXIT"]


@pytest.mark.parametrize(
    ("confirmations", "expected"),
    [(1, ["ENTRY", "DWELL", "EXIT", "ENTRY", "DWELL"]), (2, ["ENTRY", "DWELL", "DWELL", "DWELL", "DWELL"])],
)
def test_over_confident_fix_is_handled_by_confirmations_and_not_by_its_accuracy(confirmations, expected):
    run, tracker = tracker_under(confirmations=confirmations)
    place(run)
    fixes = [(0, 10.0), (5, 12.0), (300, 1.9), (3, 10.0), (2, 8.0)]
    for minute, (east_m, accuracy_m) in enumerate(fixes):
        record_reports([seen(tracker, minute, east_m, accuracy_m)], now=ARRIVED)
    assert [it[0] for it in told(tracker.pk)] == expected


def test_fence_made_around_a_parked_device_counts_from_the_next_report_on():
    run, tracker = tracker_under()
    record_reports([seen(tracker, 0, 0), seen(tracker, 60, 0)], now=ARRIVED)
    place(run, active_from=NOW + 90 * MINUTE)
    recompute_trackers(tracker_ids=[tracker.pk], cause=Cause(Retraction.FENCE), now=NOW)
    record_reports([seen(tracker, 120, 0)], now=ARRIVED)
    record_reports([seen(tracker, 30, 0)], now=ARRIVED)
    assert told(tracker.pk) == [
        ("TRANSIT", None, 0),
        ("TRANSIT", None, 30),
        ("TRANSIT", None, 60),
        ("ENTRY", "Depot", 120),
    ]
    assert periods(tracker.pk) == [("IN_TRANSIT", 0, 120), ("IN_STORAGE", 120, None)]


def test_fence_that_ends_around_a_parked_device_lets_it_go_with_the_next_report():
    run, tracker = tracker_under()
    place(run, active_until=NOW + 60 * MINUTE)
    record_reports([seen(tracker, minute, 0) for minute in (0, 59, 60, 90)], now=ARRIVED)
    assert [it[::2] for it in told(tracker.pk)] == [
        ("ENTRY", 0),
        ("DWELL", 59),
        ("EXIT", 60),
        ("TRANSIT", 90),
    ]


def test_report_of_seven_days_ago_corrects_history_at_its_place_and_nothing_else():
    run, tracker = tracker_under()
    place(run)
    place(run, DeliveryFactory, east_m=20_000, name="Shop")
    week = 7 * 24 * 60
    record_reports([seen(tracker, 0, 5_000), seen(tracker, week, 20_000)], now=ARRIVED + 7 * DAY)
    tracker.refresh_from_db()
    before = (tracker.status, tracker.status_since, tracker.location.name, tracker.last_seen_at)
    record_reports([seen(tracker, 30, 0)], now=ARRIVED + 7 * DAY)
    tracker.refresh_from_db()
    assert (tracker.status, tracker.status_since, tracker.location.name, tracker.last_seen_at) == before
    assert before[0] == GeoStatus.DELIVERED
    assert periods(tracker.pk) == [("IN_TRANSIT", 0, 30), ("IN_STORAGE", 30, week), ("DELIVERED", week, None)]
    assert told(tracker.pk) == [
        ("TRANSIT", None, 0),
        ("ENTRY", "Depot", 30),
        ("EXIT", "Depot", week),
        ("ENTRY", "Shop", week),
    ]


def test_delivery_inside_a_storage_area_wins_and_is_kept_while_the_error_circle_touches_it():
    run, tracker = tracker_under()
    place(run, name="Yard", radius_m=2_000)
    place(run, DeliveryFactory, name="Dock", east_m=500, radius_m=50)
    positions = (0, 500, 580, 700)
    record_reports([seen(tracker, minute, east_m) for minute, east_m in enumerate(positions)], now=ARRIVED)
    assert told(tracker.pk) == [
        ("ENTRY", "Yard", 0),
        ("EXIT", "Yard", 1),
        ("ENTRY", "Dock", 1),
        ("DWELL", "Dock", 2),
        ("EXIT", "Dock", 3),
        ("ENTRY", "Yard", 3),
    ]


def test_trip_over_the_antimeridian_enters_and_leaves():
    run, tracker = tracker_under()
    StorageFactory(runs=[run], name="Taveuni", center="POINT(180 -16.8)", radius_m=2_000)
    longitudes = (179.9, 179.99, -179.99, -179.9)
    record_reports(
        [
            incoming(tracker.pk, NOW + minute * MINUTE, latitude=-16.8, longitude=longitude)
            for minute, longitude in enumerate(longitudes)
        ],
        now=ARRIVED,
    )
    assert [it[0] for it in told(tracker.pk)] == ["TRANSIT", "ENTRY", "DWELL", "EXIT"]
