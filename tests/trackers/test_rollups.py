"""Rollups: hours and days say what reports and history say, whichever way they came.

The expected rows are computed here from all reports and periods, by code that shares nothing with the statements.
"""

import math
from datetime import UTC, datetime, timedelta
from itertools import groupby

import pytest
from hypothesis import given

from clients.models import ProductionRun
from locations.models import Location
from tests.factories import (
    ARRIVED,
    NOW,
    AssignmentFactory,
    BrandFactory,
    DeliveryFactory,
    RunFactory,
    StorageFactory,
)
from tests.laws import law
from tests.trackers.reports import incoming, longitude_at
from tests.trackers.test_timeline_law import staged
from tests.trackers.worlds import START, worlds
from trackers.models import DailyPosition, HourlyPosition, LocationReport, Retraction, StatusChange
from trackers.services import history
from trackers.services.history import Cause, recompute_trackers
from trackers.services.reports.recording import record_reports

FENCE = Cause(Retraction.FENCE)

pytestmark = pytest.mark.django_db

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
MINUTES = {
    "IN_TRANSIT": "minutes_in_transit",
    "IN_STORAGE": "minutes_in_storage",
    "DELIVERED": "minutes_delivered",
}
END = datetime.max.replace(tzinfo=UTC)


def metres(a, b):
    """On a sphere of the Earth's mean radius."""
    (lon_a, lat_a), (lon_b, lat_b) = ([math.radians(x) for x in point.coords] for point in (a, b))
    half = math.sin((lat_b - lat_a) / 2) ** 2
    half += math.cos(lat_a) * math.cos(lat_b) * math.sin((lon_b - lon_a) / 2) ** 2
    return 2 * 6_371_008.7714 * math.asin(math.sqrt(half))


def bucket_of(moment, length):
    at = moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    return at.replace(hour=0) if length == DAY else at


def eastwards(longitude):
    """Worlds that cross the date line do so towards the east."""
    return longitude if longitude > -100 else longitude + 360


def mean_longitude(reports, *, exact):
    """A day is made of its hours, by the number of all of their reports."""
    mean = sum(eastwards(it.position.x) for it in reports) / len(reports)
    return pytest.approx(mean, abs=1e-4 if exact else 1)


def legs_of(reports):
    """How far the tracker went to arrive at each way point."""
    legs, before = {}, None
    for report in reports:
        if (report.accuracy_m or 0) > 300 or report.verdict in ("SUPERSEDED", "OUTLIER", "HELD"):
            continue
        length = metres(before.position, report.position) if before else 0
        errors = (before.accuracy_m or 0) + (report.accuracy_m or 0) if before else 0
        legs[report.seen_at, bytes(report.fingerprint)] = length if length > errors else 0
        before = report
    return legs


def expected(tracker_id, length):
    reports = sorted(
        LocationReport.objects.filter(tracker=tracker_id), key=lambda it: (it.seen_at, bytes(it.fingerprint))
    )
    periods = list(StatusChange.objects.valid().filter(tracker=tracker_id))
    legs = legs_of(reports)
    rows = {}
    for bucket, grouped in groupby(reports, key=lambda it: bucket_of(it.seen_at, length)):
        within = list(grouped)
        plausible = [it for it in within if it.verdict not in ("OUTLIER", "HELD")]
        best = min(
            plausible,
            key=lambda it: (
                math.inf if it.accuracy_m is None else it.accuracy_m,
                it.seen_at,
                bytes(it.fingerprint),
            ),
            default=None,
        )
        rows[bucket] = {
            "reports": len(within),
            "first_seen_at": within[0].seen_at,
            "last_seen_at": within[-1].seen_at,
            "best_accuracy_m": best and best.accuracy_m,
            "best_longitude": best and best.position.x,
            "distance_m": pytest.approx(
                sum(legs.get((it.seen_at, bytes(it.fingerprint)), 0) for it in within), rel=1e-6, abs=1e-3
            ),
            "longitude": best and mean_longitude(plausible, exact=plausible == within or length == HOUR),
            **last_status(periods, bucket, bucket + length),
        }
    return rows


def last_status(periods, begins, ends):
    told = dict.fromkeys(MINUTES.values(), 0)
    told |= {"status": "CREATED", "location_id": None}
    for period in periods:
        until = period.ended_at or END
        lasted = (min(until, ends) - max(period.started_at, begins)).total_seconds() / 60
        if lasted > 0:
            told[MINUTES[period.status]] += lasted
            if until >= ends:
                told |= {"status": period.status, "location_id": period.location_id}
    return told | {name: pytest.approx(told[name]) for name in MINUTES.values()}


def stored(tracker_id, model):
    return {
        row.bucket_at: {
            "reports": row.reports,
            "first_seen_at": row.first_seen_at,
            "last_seen_at": row.last_seen_at,
            "best_accuracy_m": row.best_accuracy_m,
            "best_longitude": row.best_position and row.best_position.x,
            "distance_m": row.distance_m,
            "longitude": row.centroid and eastwards(row.centroid.x),
            "status": row.status,
            "location_id": row.location_id,
            **{name: getattr(row, name) for name in MINUTES.values()},
        }
        for row in model.objects.filter(tracker=tracker_id)
    }


def assert_right(*tracker_ids):
    for tracker_id in tracker_ids:
        assert stored(tracker_id, HourlyPosition) == expected(tracker_id, HOUR)
        assert stored(tracker_id, DailyPosition) == expected(tracker_id, DAY)


def contents():
    return [
        list(model.objects.order_by("tracker", "bucket_at").values())
        for model in (HourlyPosition, DailyPosition)
    ]


@given(world=worlds)
@law(60)
def test_rollups_equal_a_full_recomputation_after_late_reports_corrections_and_replays(world):
    with staged(world, BrandFactory()) as stage:
        ids = [row.pk for row in stage.trackers]
        for number, batch in enumerate(world.arrivals):
            record_reports([stage.incoming(it) for it in batch], now=START + DAY + timedelta(minutes=number))
            assert_right(*ids)
        Location.objects.filter(pk=stage.locations[0].pk).update(radius_m=30, area=None)
        recompute_trackers(tracker_ids=ids, cause=FENCE, now=START + 2 * DAY)
        assert_right(*ids)
        ProductionRun.objects.update(confirmations=3, max_accuracy_m=100)
        recompute_trackers(tracker_ids=ids, cause=FENCE, now=START + 3 * DAY)
        assert_right(*ids)
        before = contents()
        history.rebuild_rollups(tracker_ids=ids)
        assert contents() == before


@pytest.fixture
def run():
    return RunFactory()


@pytest.fixture
def tracker(run):
    return AssignmentFactory(run=run).tracker


def seen(tracker, minutes, east_m=0.0, **others):
    return incoming(tracker.pk, NOW + timedelta(minutes=minutes), east_m=east_m, **others)


def test_leg_belongs_to_the_hour_in_which_it_ends(tracker):
    record_reports([seen(tracker, 50), seen(tracker, 130, 5_000)], now=ARRIVED)
    assert [round(row.distance_m, -2) for row in HourlyPosition.objects.order_by("bucket_at")] == [0, 5_000]


def test_late_report_takes_its_part_of_the_leg_that_ends_in_a_later_hour(tracker):
    record_reports([seen(tracker, 0), seen(tracker, 190, 9_000)], now=ARRIVED)
    record_reports([seen(tracker, 70, 3_000)], now=ARRIVED)
    distances = {
        row.bucket_at.hour - NOW.hour: round(row.distance_m, -2) for row in HourlyPosition.objects.all()
    }
    assert distances == {0: 0, 1: 3_000, 3: 6_000}
    assert round(DailyPosition.objects.get().distance_m, -2) == 9_000


def test_tracker_at_rest_goes_nowhere_however_its_positions_scatter(tracker):
    record_reports([seen(tracker, n, 40 * (n % 2), accuracy_m=30.0) for n in range(50)], now=ARRIVED)
    assert HourlyPosition.objects.get().distance_m == 0


def test_inaccurate_report_is_no_way_point(tracker):
    record_reports(
        [seen(tracker, 0), seen(tracker, 5, 20_000, accuracy_m=2_000.0), seen(tracker, 10, 1_000)],
        now=ARRIVED,
    )
    assert HourlyPosition.objects.get().distance_m == pytest.approx(1_000, rel=0.01)


def test_leg_over_the_antimeridian_is_short(tracker):
    reports = [
        incoming(tracker.pk, NOW + timedelta(minutes=n), latitude=0, longitude=longitude)
        for n, longitude in enumerate((179.95, -179.95))
    ]
    record_reports(reports, now=ARRIVED)
    assert HourlyPosition.objects.get().distance_m == pytest.approx(11_119, rel=0.01)
    assert abs(DailyPosition.objects.get().centroid.x) > 179


def test_hour_tells_where_it_ended_and_how_long_each_status_lasted(run, tracker):
    depot = StorageFactory(center=incoming_point(0), runs=[run])
    shop = DeliveryFactory(center=incoming_point(9_000), runs=[run])
    record_reports([seen(tracker, 0), seen(tracker, 30, 4_000), seen(tracker, 45, 9_000)], now=ARRIVED)
    row = HourlyPosition.objects.get()
    assert (row.minutes_in_storage, row.minutes_in_transit, row.minutes_delivered) == (30, 15, 15)
    assert (row.status, row.location_id) == ("DELIVERED", shop.pk)
    record_reports([seen(tracker, 40, 0)], now=ARRIVED)
    row.refresh_from_db()
    assert (row.minutes_in_storage, row.minutes_in_transit) == (35, 10)
    assert depot.pk != row.location_id


def incoming_point(east_m):
    from django.contrib.gis.geos import Point

    return Point(longitude_at(east_m), 52.0)


def test_late_departure_corrects_the_status_of_every_later_hour(run, tracker):
    StorageFactory(center=incoming_point(0), runs=[run])
    record_reports([seen(tracker, 0), *(seen(tracker, 60 * n, 0) for n in (2, 3, 4))], now=ARRIVED)
    StorageFactory._meta.model.objects.update(active_until=NOW + timedelta(minutes=90))
    recompute_trackers(tracker_ids=[tracker.pk], cause=FENCE, now=NOW)
    assert [row.status for row in HourlyPosition.objects.order_by("bucket_at")] == [
        "IN_STORAGE",
        "IN_TRANSIT",
        "IN_TRANSIT",
        "IN_TRANSIT",
    ]
    assert_right(tracker.pk)
