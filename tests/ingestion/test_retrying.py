from datetime import timedelta

import pytest

from ingestion.findmy import payload as codec
from ingestion.services.retrying import retry_rejected
from keys.models import KeyPair
from tests.factories import RejectedReportFactory
from trackers.incoming import fingerprint_of
from trackers.models import LocationReport, RejectedReport

pytestmark = pytest.mark.django_db


@pytest.fixture
def pair(make_fleet) -> KeyPair:
    [tracker] = make_fleet(1)
    return KeyPair.objects.get(tracker=tracker)


def rejected(pair: KeyPair, payload: bytes, **changes) -> RejectedReport:
    values = {"hashed_key": pair.hashed_key, "payload": payload, "fingerprint": fingerprint_of(payload)}
    return RejectedReportFactory(**(values | changes))


def sealed(pair: KeyPair, seen_at) -> bytes:
    report = codec.DecryptedReport(seen_at, 52.0, 4.9, 20, 0, 3)
    return codec.encrypt(report, bytes(pair.advertisement_key))


def test_what_can_be_read_now_is_stored_and_resolved(pair, clock):
    row = rejected(pair, sealed(pair, clock()), reason="UNKNOWN_KEY")

    outcome = retry_rejected(ids=[row.pk], now=clock())

    assert (outcome.resolved, outcome.rejected) == (1, 0)
    assert LocationReport.objects.get().tracker_id == pair.tracker_id
    row.refresh_from_db()
    assert row.resolved_at == clock()


def test_a_retry_of_what_is_known_already_resolves_it_without_a_second_report(pair, clock):
    payload = sealed(pair, clock())
    first = rejected(pair, payload)
    retry_rejected(ids=[first.pk], now=clock())
    RejectedReport.objects.update(resolved_at=None)

    assert retry_rejected(ids=[first.pk], now=clock.advance(hours=1)).resolved == 1

    assert LocationReport.objects.count() == 1


def test_what_still_can_not_be_read_gets_the_reason_of_today(pair, clock):
    payload = sealed(pair, clock())
    row = rejected(pair, payload[:-1] + bytes([payload[-1] ^ 1]), reason="UNKNOWN_KEY")

    outcome = retry_rejected(ids=[row.pk], now=clock())

    assert (outcome.resolved, outcome.rejected) == (0, 1)
    row.refresh_from_db()
    assert (row.reason, row.tracker_id, row.resolved_at) == ("UNDECRYPTABLE", pair.tracker_id, None)
    assert row.occurrences == 1


def test_a_report_from_the_future_waits_for_its_time(pair, clock):
    row = rejected(pair, sealed(pair, clock() + timedelta(hours=1)), reason="IMPLAUSIBLE")

    assert retry_rejected(ids=[row.pk], now=clock()).rejected == 1
    assert retry_rejected(ids=[row.pk], now=clock.advance(hours=1)).resolved == 1


def test_only_what_was_asked_for_and_is_open_is_tried(pair, clock):
    rejected(pair, sealed(pair, clock()))
    unknown = RejectedReportFactory(hashed_key="of nobody")
    done = rejected(pair, sealed(pair, clock()), resolved_at=clock())
    replayed = rejected(pair, sealed(pair, clock()), source="REPLAY")

    outcome = retry_rejected(ids=[unknown.pk, done.pk, replayed.pk], now=clock())

    assert (outcome.resolved, outcome.rejected) == (0, 1)
    assert LocationReport.objects.count() == 0
