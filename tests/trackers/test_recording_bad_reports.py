"""A report that can't be stored costs only itself, and is kept with the reason."""

from datetime import timedelta

import pytest
from django.db import OperationalError

from tests.factories import ARRIVED, NOW, AssignmentFactory, DeliveryFactory, RunFactory, StorageFactory
from tests.trackers.reports import LATITUDE, incoming, longitude_at, told
from trackers.incoming import IncomingRejection
from trackers.models import LocationReport, RejectedReport
from trackers.services.reports import recording
from trackers.services.reports.recording import record_rejections, record_reports

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


@pytest.fixture
def tracker():
    run = RunFactory()
    StorageFactory(name="Depot", center=f"POINT({longitude_at(0)} {LATITUDE})", runs=[run])
    DeliveryFactory(name="Shop", center=f"POINT({longitude_at(20_000)} {LATITUDE})", runs=[run])
    return AssignmentFactory(run=run).tracker


def seen(tracker, minutes, east_m=0, **others):
    return incoming(tracker.pk, NOW + minutes * MINUTE, east_m=east_m, **others)


def journey(tracker):
    """Depot, depot, on the way, shop, shop."""
    return [seen(tracker, 10 * n, east_m) for n, east_m in enumerate((0, 0, 5_000, 20_000, 20_000))]


BAD = {
    "latitude 95": ({"latitude": 95.0}, "globe"),
    "latitude -90.1": ({"latitude": -90.1}, "globe"),
    "latitude NaN": ({"latitude": float("nan")}, "globe"),
    "longitude 181": ({"longitude": 181.0}, "globe"),
    "longitude infinite": ({"longitude": float("inf")}, "globe"),
    "latitude missing": ({"latitude": None}, "TypeError"),
    "latitude as text": ({"latitude": "52"}, "TypeError"),
    "naive time": ({"seen_at": NOW.replace(tzinfo=None)}, "time zone"),
    "negative accuracy": ({"accuracy_m": -1.0}, "accuracy"),
    "accuracy NaN": ({"accuracy_m": float("nan")}, "accuracy"),
    "accuracy infinite": ({"accuracy_m": float("inf")}, "accuracy"),
    "nowhere": ({"latitude": 0.000004, "longitude": -0.000004}, "no position"),
    "in the future": ({"seen_at": ARRIVED + HOUR + timedelta(minutes=10, seconds=1)}, "future"),
    "overlong battery": ({"battery": "F" * 11}, "varying(10)"),
    "battery with NUL": ({"battery": "F\x00"}, "0x00"),
    "confidence too large": ({"confidence": 70_000}, "smallint"),
    "short fingerprint": ({"fingerprint": b"short"}, "report_fingerprint_16_bytes"),
}

IMPLAUSIBLE = {"latitude", "longitude", "seen_at", "accuracy_m"}


class TestBad:
    @pytest.mark.parametrize(("wrong", "reason"), BAD.values(), ids=BAD)
    def test_bad_report_costs_only_itself(self, tracker, wrong, reason):
        bad = seen(tracker, 15)._replace(payload=b"bad", hashed_key="key", **wrong)
        good = journey(tracker)
        outcome = record_reports([*good[:2], bad, *good[2:]], now=ARRIVED + HOUR)
        assert (outcome.stored, outcome.duplicates, outcome.rejected) == (5, 0, 1)
        assert [it[0] for it in told(tracker.pk)] == ["ENTRY", "DWELL", "EXIT", "ENTRY", "DWELL"]
        rejected = RejectedReport.objects.get()
        assert bytes(rejected.payload) == b"bad"
        assert (rejected.tracker, rejected.hashed_key, rejected.occurrences) == (tracker, "key", 1)
        assert (rejected.reason == "IMPLAUSIBLE") is (wrong.keys() <= IMPLAUSIBLE and "Error" not in reason)
        assert reason in rejected.detail

    def test_report_of_an_unknown_tracker_costs_only_itself(self, tracker):
        stranger = seen(tracker, 15)._replace(tracker_id=2**60)
        outcome = record_reports([*journey(tracker), stranger], now=ARRIVED + HOUR)
        assert (outcome.stored, outcome.rejected) == (5, 1)
        rejected = RejectedReport.objects.get()
        assert rejected.tracker is None
        assert str(2**60) in rejected.detail

    def test_same_rejected_report_only_counts_up(self, tracker):
        bad = seen(tracker, 15, latitude=95.0)
        for hour in (0, 1, 2):
            record_reports([bad], now=ARRIVED + hour * HOUR)
        rejected = RejectedReport.objects.get()
        assert (rejected.occurrences, rejected.first_received_at, rejected.last_received_at) == (
            3,
            ARRIVED,
            ARRIVED + 2 * HOUR,
        )

    def test_same_payload_of_two_sources_is_rejected_once_for_each(self):
        rejections = [
            IncomingRejection(None, source, "", b"payload", RejectedReport.Reason.MALFORMED, "")
            for source in LocationReport.Source.values
        ]
        record_rejections(rejections, now=NOW)
        assert RejectedReport.objects.count() == len(LocationReport.Source.values)

    def test_half_of_many_reports_bad_stores_the_other_half(self, tracker):
        mixed = [seen(tracker, n, latitude=95.0 if n % 2 else LATITUDE) for n in range(40)]
        outcome = record_reports(mixed, now=ARRIVED)
        assert (outcome.stored, outcome.rejected) == (20, 20)
        assert RejectedReport.objects.count() == 20

    def test_lost_database_is_not_blamed_on_a_report(self, tracker, monkeypatch):
        def lose(*_):
            raise OperationalError("the connection is lost")

        monkeypatch.setattr(recording, "_insert", lose)
        with pytest.raises(OperationalError):
            record_reports(journey(tracker), now=ARRIVED)
        assert not RejectedReport.objects.exists()

    def test_wholly_rejected_batch_changes_nothing_else(self, tracker):
        before = list(type(tracker).objects.values())
        record_reports([seen(tracker, 0, latitude=95.0)], now=ARRIVED)
        assert list(type(tracker).objects.values()) == before
