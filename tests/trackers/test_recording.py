"""Storing reports and all that follows: late ones, bad ones, several at once."""

import random
from datetime import UTC, date, timedelta, timezone

import pytest
from django.db.models import Count, Max, Min
from django.db.models.functions import Trunc

from tests.factories import (
    ARRIVED,
    NOW,
    AssignmentFactory,
    DeliveryFactory,
    RunFactory,
    StorageFactory,
    TrackerFactory,
    make_fingerprint,
)
from tests.trackers.reports import (
    LATITUDE,
    incoming,
    periods,
    stored_events,
    stored_history,
    told,
)
from trackers.models import (
    DailyPosition,
    GeofenceEvent,
    GeoStatus,
    HourlyPosition,
    LocationReport,
    StatusChange,
)
from trackers.services import history, locking
from trackers.services.reports import recording
from trackers.services.reports.recording import record_reports

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
FAR_M = 5_000
CLIENT_M = 20_000


@pytest.fixture
def run():
    return RunFactory()


@pytest.fixture
def depot(run):
    return StorageFactory(name="Depot", center=point(0), runs=[run])


@pytest.fixture
def shop(run):
    return DeliveryFactory(name="Shop", center=point(CLIENT_M), runs=[run])


@pytest.fixture
def tracker(run, depot, shop):
    return AssignmentFactory(run=run).tracker


def point(east_m):
    report = incoming(0, NOW, east_m=east_m)
    return f"SRID=4326;POINT({report.longitude} {report.latitude})"


def seen(tracker, minutes, east_m=0, **others):
    return incoming(tracker.pk, NOW + minutes * MINUTE, east_m=east_m, **others)


def journey(tracker, minutes=(0, 10, 20, 30, 40)):
    """Depot, depot, on the way, shop, shop."""
    return [
        seen(tracker, at, east_m=east_m)
        for at, east_m in zip(minutes, (0, 0, FAR_M, CLIENT_M, CLIENT_M), strict=True)
    ]


class TestLate:
    def test_late_report_corrects_history_and_keeps_current_status(self, tracker):
        reports = journey(tracker)
        record_reports([reports[0], *reports[2:]], now=ARRIVED + HOUR)
        tracker.refresh_from_db()
        before = (tracker.status, tracker.status_since, tracker.location, tracker.last_seen_at)
        kept = set(StatusChange.objects.valid().values_list("id", flat=True))
        record_reports([seen(tracker, 5, FAR_M), seen(tracker, 7)], now=ARRIVED + 2 * HOUR)
        tracker.refresh_from_db()
        assert (tracker.status, tracker.status_since, tracker.location, tracker.last_seen_at) == before
        assert periods(tracker.pk) == [
            ("IN_STORAGE", 0, 5),
            ("IN_TRANSIT", 5, 7),
            ("IN_STORAGE", 7, 20),
            ("IN_TRANSIT", 20, 30),
            ("DELIVERED", 30, None),
        ]
        assert kept <= set(StatusChange.objects.valid().values_list("id", flat=True))
        assert not GeofenceEvent.objects.exclude(retracted_at=None).exists()

    def test_retracted_rows_name_the_late_report_that_corrected_them(self, tracker):
        record_reports([seen(tracker, 0), seen(tracker, 20, FAR_M), seen(tracker, 30, FAR_M)], now=ARRIVED)
        late = [seen(tracker, minute, FAR_M) for minute in (10, 15, 25, 40)]
        record_reports(late, now=ARRIVED + HOUR)
        rows = [
            GeofenceEvent.objects.exclude(retracted_at=None),
            StatusChange.objects.exclude(retracted_at=None),
        ]
        for row in (row for found in rows for row in [found.get()]):
            assert (row.retracted_after, row.retracted_by_seen_at) == ("REPORT", NOW + 15 * MINUTE)
            assert bytes(row.retracted_by_fingerprint) == late[1].fingerprint

    def test_late_report_that_changes_what_followed_retracts_and_never_deletes(self, tracker):
        record_reports([seen(tracker, 0), seen(tracker, 20, FAR_M), seen(tracker, 30, FAR_M)], now=ARRIVED)
        left = StatusChange.objects.get(status=GeoStatus.IN_TRANSIT)
        record_reports([seen(tracker, 10, FAR_M)], now=ARRIVED + HOUR)
        left.refresh_from_db()
        assert left.retracted_at == ARRIVED + HOUR
        assert told(tracker.pk) == [
            ("ENTRY", "Depot", 0),
            ("EXIT", "Depot", 10),
            ("TRANSIT", None, 20),
            ("TRANSIT", None, 30),
        ]
        retracted = GeofenceEvent.objects.exclude(retracted_at=None).get()
        assert (retracted.type, retracted.occurred_at, retracted.status_change) == (
            "EXIT",
            NOW + 20 * MINUTE,
            left,
        )

    def test_newest_report_arriving_late_changes_the_current_status(self, tracker):
        reports = journey(tracker)
        record_reports(reports[:3], now=ARRIVED)
        record_reports(reports[4:], now=ARRIVED)
        record_reports(reports[3:4], now=ARRIVED)
        tracker.refresh_from_db()
        assert (tracker.status, tracker.status_since) == (GeoStatus.DELIVERED, NOW + 30 * MINUTE)


class TestOutside:
    """Reports that are kept and make no event."""

    def test_report_before_or_after_the_assignment_is_kept_without_event(self, run):
        stint = AssignmentFactory(run=run, start=NOW, end=NOW + HOUR)
        outcome = record_reports(
            [
                seen(stint.tracker, -0.001),
                seen(stint.tracker, 60),
            ],
            now=ARRIVED + DAY,
        )
        assert (outcome.stored, outcome.events.total()) == (2, 0)
        assert not stored_history(stint.tracker.pk)
        stint.tracker.refresh_from_db()
        assert (stint.tracker.status, stint.tracker.last_seen_at) == (GeoStatus.CREATED, None)

    def test_assignment_holds_its_first_moment_and_its_last_microsecond(self, run):
        stint = AssignmentFactory(run=run, start=NOW, end=NOW + HOUR)
        last = NOW + HOUR - timedelta(microseconds=1)
        record_reports([seen(stint.tracker, 0), incoming(stint.tracker.pk, last)], now=ARRIVED + DAY)
        assert [it.occurred_at for it in stored_events(stint.tracker.pk)] == [NOW, last]
        assert [it.ended_at for it in stored_history(stint.tracker.pk)] == [NOW + HOUR]

    def test_next_assignment_starts_from_created_at_the_very_moment_that_the_last_one_ends(self, run, depot):
        first = AssignmentFactory(run=run, end=NOW)
        second = AssignmentFactory(tracker=first.tracker, run=run, start=NOW)
        record_reports([seen(first.tracker, -1), seen(first.tracker, 0)], now=ARRIVED + DAY)
        assert [(it.type, it.stint) for it in stored_events(first.tracker.pk)] == [
            ("ENTRY", first.pk),
            ("ENTRY", second.pk),
        ]
        assert periods(first.tracker.pk) == [("IN_STORAGE", -1, 0), ("IN_STORAGE", 0, None)]

    def test_run_dates_are_inclusive_days_in_utc(self):
        run = RunFactory(start_date=NOW.date(), end_date=NOW.date())
        tracker = AssignmentFactory(run=run).tracker
        midnight = NOW.replace(hour=0)
        tick = timedelta(microseconds=1)
        inside = [midnight, midnight + DAY - tick]
        outside = [midnight - tick, midnight + DAY]
        record_reports([incoming(tracker.pk, at) for at in inside + outside], now=ARRIVED + DAY)
        assert [it.occurred_at for it in stored_events(tracker.pk)] == inside
        tracker.refresh_from_db()
        assert tracker.last_seen_at == midnight + DAY

    def test_run_without_an_end_in_sight_takes_reports(self):
        tracker = AssignmentFactory(run=RunFactory(end_date=date.max)).tracker
        assert record_reports([seen(tracker, 0)], now=ARRIVED).events == {"TRANSIT": 1}

    def test_tracker_without_assignment_keeps_and_shows_its_reports(self):
        tracker = TrackerFactory()
        assert record_reports([seen(tracker, 0)], now=ARRIVED).stored == 1
        tracker.refresh_from_db()
        assert (tracker.status, tracker.last_seen_at) == (GeoStatus.CREATED, NOW)

    def test_unusable_report_is_kept_and_shown_without_event(self, tracker):
        outcome = record_reports([seen(tracker, 0, accuracy_m=300.5)], now=ARRIVED)
        assert (outcome.stored, outcome.events.total()) == (1, 0)
        tracker.refresh_from_db()
        assert (tracker.status, tracker.last_accuracy_m) == (GeoStatus.CREATED, 300.5)


class TestStatements:
    """What a chunk costs does not depend on how many reports, trackers or events it has."""

    @staticmethod
    def count(reports, monkeypatch):
        executed = []
        counting = recording.bulk.psycopg.Cursor

        class Counting(counting):
            def execute(self, *args, **kwargs):
                executed.append(args[0])
                return super().execute(*args, **kwargs)

            def copy(self, *args, **kwargs):
                executed.append("COPY")
                return super().copy(*args, **kwargs)

        with monkeypatch.context() as patched:
            patched.setattr(recording.bulk.psycopg, "Cursor", Counting)
            outcome = record_reports(reports, now=ARRIVED)
        assert outcome.stored == len(reports)
        return len(executed)

    @pytest.mark.parametrize("confirmations", [1, 3])
    def test_number_of_statements_of_a_chunk_is_constant(self, run, depot, shop, confirmations, monkeypatch):
        type(run).objects.update(confirmations=confirmations)
        trackers = [AssignmentFactory(run=run).tracker for _ in range(12)]
        record_reports([report for tracker in trackers for report in journey(tracker)], now=ARRIVED)
        # Late, so that rows are retracted, ended and added.
        late = [
            [seen(tracker, at, east_m) for at in range(start, 20)]
            for tracker, start, east_m in zip(trackers, [16] * 2 + [11] * 10, [FAR_M] * 12, strict=True)
        ]
        few = self.count(late[0], monkeypatch)
        many = self.count([report for reports in late[1:] for report in reports], monkeypatch)
        assert few == many
        # One of them publishes what is told outside.
        assert many <= 23

    def test_trackers_are_locked_once_in_the_order_of_their_ids(self, run, monkeypatch):
        trackers = [AssignmentFactory(run=run).tracker for _ in range(5)]
        asked = []
        lock = locking.lock_trackers
        monkeypatch.setattr(locking, "lock_trackers", lambda ids: (asked.append(list(ids)), lock(ids))[1])
        shuffled = [seen(tracker, n) for n, tracker in enumerate(trackers)]
        random.Random(1).shuffle(shuffled)
        record_reports(shuffled, now=ARRIVED)
        assert asked == [sorted(tracker.pk for tracker in trackers)]
        assert "ORDER BY id FOR NO KEY UPDATE" in locking.LOCK_TRACKERS

    def test_chunks_take_whole_trackers(self, run, monkeypatch):
        monkeypatch.setattr(recording, "REPORTS_PER_TRANSACTION", 7)
        trackers = [AssignmentFactory(run=run).tracker for _ in range(4)]
        asked = []
        lock = locking.lock_trackers
        monkeypatch.setattr(locking, "lock_trackers", lambda ids: (asked.append(list(ids)), lock(ids))[1])
        outcome = record_reports([report for it in trackers for report in journey(it)], now=ARRIVED)
        assert outcome.stored == 20
        assert asked == [[tracker.pk] for tracker in trackers]


class TestDuplicates:
    def test_report_is_stored_once_within_a_batch_and_across_batches(self, tracker):
        reports = journey(tracker)
        first = record_reports([*reports, *reports], now=ARRIVED)
        again = record_reports(reports, now=ARRIVED + HOUR)
        assert (first.stored, first.duplicates) == (5, 5)
        assert (again.stored, again.duplicates, again.events.total()) == (0, 5, 0)
        assert LocationReport.objects.filter(received_at=ARRIVED).count() == 5

    def test_same_moment_in_another_zone_is_the_same_report(self, tracker):
        report = seen(tracker, 0)
        elsewhere = report._replace(seen_at=report.seen_at.astimezone(timezone(timedelta(hours=5.5))))
        assert record_reports([report, elsewhere], now=ARRIVED).duplicates == 1
        assert record_reports([elsewhere], now=ARRIVED).duplicates == 1

    def test_same_payload_of_two_trackers_is_two_reports(self, run):
        trackers = [AssignmentFactory(run=run).tracker for _ in range(2)]
        assert record_reports([seen(tracker, 0) for tracker in trackers], now=ARRIVED).stored == 2


class TestRollups:
    @staticmethod
    def recomputed(unit):
        rows = (
            LocationReport.objects.annotate(bucket=Trunc("seen_at", unit, tzinfo=UTC))
            .values("tracker", "bucket")
            .annotate(reports=Count("*"), first=Min("seen_at"), last=Max("seen_at"), best=Min("accuracy_m"))
        )
        return sorted(
            (row["tracker"], row["bucket"], row["reports"], row["first"], row["last"], row["best"])
            for row in rows
        )

    @staticmethod
    def stored(model):
        return sorted(
            model.objects.values_list(
                "tracker", "bucket_at", "reports", "first_seen_at", "last_seen_at", "best_accuracy_m"
            )
        )

    def test_rollups_equal_a_full_recomputation_after_every_batch(self, run):
        trackers = [AssignmentFactory(run=run).tracker for _ in range(3)]
        chance = random.Random(7)
        for _ in range(12):
            batch = [
                seen(
                    chance.choice(trackers),
                    chance.randrange(0, 3_000, 7),
                    accuracy_m=float(chance.randrange(10, 400)),
                    number=chance.randrange(10**6),
                )
                for _ in range(chance.randrange(1, 20))
            ]
            record_reports(batch, now=ARRIVED)
            assert self.stored(HourlyPosition) == self.recomputed("hour")
            assert self.stored(DailyPosition) == self.recomputed("day")

    def test_best_position_is_the_most_accurate_one_and_the_centroid_is_between(self, tracker):
        record_reports(
            [
                seen(tracker, 0, 0, accuracy_m=None),
                seen(tracker, 1, 100, accuracy_m=20.0),
                seen(tracker, 2, 200, accuracy_m=9.0),
            ],
            now=ARRIVED,
        )
        row = HourlyPosition.objects.get()
        assert row.best_accuracy_m == 9
        assert row.best_position.x == seen(tracker, 2, 200).longitude
        assert row.centroid.x == pytest.approx(seen(tracker, 1, 100).longitude, abs=1e-9)

    def test_buckets_are_utc_hours_whatever_zone_a_report_came_in(self, tracker):
        report = seen(tracker, 10)
        half_past = timezone(timedelta(hours=5, minutes=30))
        record_reports([report._replace(seen_at=report.seen_at.astimezone(half_past))], now=ARRIVED)
        assert [row.bucket_at for row in HourlyPosition.objects.all()] == [NOW]
        assert [row.bucket_at for row in DailyPosition.objects.all()] == [NOW.replace(hour=0)]

    @pytest.mark.parametrize("longitudes", [(0.0, 180.0), (-180.0, 180.0), (179.9, -179.9)])
    def test_reports_on_opposite_sides_of_the_globe_are_stored(self, tracker, longitudes):
        reports = [
            seen(tracker, n, latitude=10.0)._replace(longitude=longitude)
            for n, longitude in enumerate(longitudes)
        ]
        outcome = record_reports(reports, now=ARRIVED)
        assert (outcome.stored, outcome.rejected) == (2, 0)

    def test_reports_at_the_poles_and_the_corners_of_the_globe_are_stored(self, tracker):
        corners = [(90.0, 0.0), (-90.0, 0.0), (90.0, 180.0), (-90.0, -180.0), (0.0, 180.0), (0.0, -180.0)]
        reports = [
            seen(tracker, n, latitude=latitude)._replace(longitude=longitude)
            for n, (latitude, longitude) in enumerate(corners)
        ]
        assert record_reports(reports, now=ARRIVED).stored == len(corners)


class TestBackfill:
    """A stay must never be reported as an entry, nor an event without its history, whichever way it arrived."""

    @staticmethod
    def week(tracker):
        """Seven days: depot, a day's drive, shop; a report an hour, the device dozing now and then."""
        chance = random.Random(3)
        hours = [hour for hour in range(7 * 24) if chance.random() < 0.8]
        return [
            seen(tracker, 60 * hour, 0 if hour < 70 else FAR_M if hour < 90 else CLIENT_M) for hour in hours
        ]

    @pytest.mark.parametrize("confirmations", [1, 2])
    def test_week_in_one_batch_in_reverse_gives_the_history_of_live_arrival(
        self, run, depot, shop, confirmations
    ):
        type(run).objects.update(confirmations=confirmations)
        live, backfilled = (AssignmentFactory(run=run).tracker for _ in range(2))
        for report in self.week(live):
            record_reports([report], now=report.seen_at)
        record_reports(self.week(backfilled)[::-1], now=ARRIVED + 7 * DAY)
        assert periods(backfilled.pk) == periods(live.pk)
        assert told(backfilled.pk) == told(live.pk)
        assert [status for status, *_ in periods(live.pk)] == ["IN_STORAGE", "IN_TRANSIT", "DELIVERED"]
        crossings = [it[:2] for it in told(live.pk) if it[0] in ("ENTRY", "EXIT")]
        assert crossings == [("ENTRY", "Depot"), ("EXIT", "Depot"), ("ENTRY", "Shop")]

    def test_every_crossing_of_a_backfill_has_its_history(self, tracker):
        chance = random.Random(5)
        reports = self.week(tracker)
        chance.shuffle(reports)
        while reports:
            size = chance.randrange(1, 30)
            record_reports(reports[:size], now=ARRIVED + 8 * DAY)
            reports = reports[size:]
        crossings = GeofenceEvent.objects.valid().filter(type__in=["ENTRY", "EXIT"])
        begun = {(it.started_at, it.pk) for it in StatusChange.objects.valid()}
        assert {(it.occurred_at, it.status_change_id) for it in crossings} <= begun
        assert len(begun) == 3


def test_summary_shows_the_latest_assignment_even_before_it_has_a_report(run, depot, shop):
    first = AssignmentFactory(run=run, end=NOW + HOUR)
    record_reports([seen(first.tracker, 0)], now=ARRIVED)
    second = AssignmentFactory(tracker=first.tracker, run=run, start=NOW + 2 * HOUR)
    history.refresh_trackers([first.tracker.pk], now=NOW + 3 * HOUR)
    first.tracker.refresh_from_db()
    assert first.tracker.latest_assignment == second
    assert (first.tracker.status, first.tracker.last_position) == (GeoStatus.CREATED, None)


def test_recording_leaves_right_rows_untouched(tracker):
    record_reports(journey(tracker), now=ARRIVED)
    tracker.refresh_from_db()
    updated_at = tracker.updated_at
    record_reports([seen(tracker, 5)], now=ARRIVED + DAY)
    tracker.refresh_from_db()
    assert tracker.updated_at == updated_at


def test_of_two_reports_of_one_moment_the_fingerprints_decide_which_counts(run, depot, shop):
    """Not the arrival."""
    first, second = sorted((0, 1), key=make_fingerprint)
    histories = []
    for order in ((first, second), (second, first)):
        tracker = AssignmentFactory(run=run).tracker
        for number in order:
            east_m = 0 if number == first else FAR_M
            record_reports([seen(tracker, 0, east_m, number=number)], now=ARRIVED)
        histories.append((periods(tracker.pk), told(tracker.pk)))
    assert histories[0] == histories[1]
    assert histories[0] == ([("IN_STORAGE", 0, None)], [("ENTRY", "Depot", 0)])


def test_of_two_reports_of_one_moment_the_more_accurate_counts_and_is_shown(run, depot, shop):
    for arrival in (0, 1), (1, 0):
        tracker = AssignmentFactory(run=run).tracker
        at_once = [
            seen(tracker, 0, FAR_M, number=0, accuracy_m=50.0, battery="LOW"),
            seen(tracker, 0, number=1, accuracy_m=20.0, battery="FULL"),
        ]
        for number in arrival:
            record_reports([at_once[number]], now=ARRIVED)
        tracker.refresh_from_db()
        assert told(tracker.pk) == [("ENTRY", "Depot", 0)]
        assert (tracker.last_accuracy_m, tracker.battery) == (20.0, "FULL")


def test_outliers_and_held_reports_are_kept_and_make_no_event(run, depot, shop):
    tracker = AssignmentFactory(run=run).tracker
    far = seen(tracker, 5, latitude=20.0, battery="LOW")
    record_reports([seen(tracker, 0), far], now=ARRIVED)
    assert dict(LocationReport.objects.values_list("seen_at", "verdict")) == {NOW: "", far.seen_at: "HELD"}
    tracker.refresh_from_db()
    assert (tracker.last_seen_at, tracker.last_position.y, tracker.battery) == (NOW, LATITUDE, "FULL")
    record_reports([seen(tracker, 10)], now=ARRIVED)
    assert told(tracker.pk) == [("ENTRY", "Depot", 0), ("DWELL", "Depot", 10)]
    assert LocationReport.objects.get(seen_at=far.seen_at).verdict == "OUTLIER"
    day = DailyPosition.objects.get()
    assert (day.reports, day.distance_m, day.best_position.y) == (3, 0, LATITUDE)


def test_an_accuracy_of_zero_is_unknown(tracker):
    record_reports([seen(tracker, 0, accuracy_m=0)], now=ARRIVED)
    tracker.refresh_from_db()
    assert (LocationReport.objects.get().accuracy_m, tracker.last_accuracy_m) == (None, None)
