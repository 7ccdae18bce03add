"""Answers become history: what is known is not decrypted again, and batches don't show in the result."""

from datetime import timedelta

import pytest
import structlog

from foundation import bulk
from ingestion.findmy.client import FetchAnswer
from ingestion.services import decrypting, storing
from keys.models import KeyPair
from tests import plans
from tests.factories import ReportFactory
from tests.ingestion.payloads import sealed
from trackers import selectors
from trackers.incoming import ReportIdentity
from trackers.models import GeofenceEvent, LocationReport, RejectedReport
from trackers.services import reports

pytestmark = pytest.mark.django_db(transaction=True)


def store(trackers, payloads, now):
    tracker_of_key = dict(
        KeyPair.objects.filter(tracker__in=trackers).values_list("hashed_key", "tracker_id")
    )
    by_key: dict[str, list[bytes]] = {}
    for hashed_key, payload in payloads:
        by_key.setdefault(hashed_key, []).append(payload)
    return storing.store_answers(
        [FetchAnswer(by_key, ())], tracker_of_key=tracker_of_key, purpose="test", now=now
    )


def some_payloads(trackers, clock, each=4):
    return [
        sealed(tracker, clock, seen_at=clock() - timedelta(minutes=number), latitude=50 + number / 100)
        for tracker in trackers
        for number in range(each)
    ]


def test_known_payloads_are_counted_and_not_unsealed_again(make_fleet, clock):
    trackers = make_fleet(2)
    payloads = some_payloads(trackers, clock)
    store(trackers, payloads, clock())
    with structlog.testing.capture_logs() as logs:
        again = store(trackers, payloads, clock())
    assert (again.stored, again.duplicates, again.rejected) == (0, len(payloads), 0)
    assert not [entry for entry in logs if entry["event"] == "private_keys_unsealed"]


def test_payload_twice_in_an_answer_is_stored_once(make_fleet, clock):
    trackers = make_fleet(1)
    payloads = some_payloads(trackers, clock)
    outcome = store(trackers, payloads + payloads[:3], clock())
    assert (outcome.stored, outcome.duplicates) == (len(payloads), 3)


def test_malformed_payload_beside_known_ones_is_still_rejected(make_fleet, clock):
    trackers = make_fleet(1)
    payloads = some_payloads(trackers, clock)
    store(trackers, payloads, clock())
    outcome = store(trackers, [*payloads, (payloads[0][0], b"short")], clock())
    assert (outcome.duplicates, outcome.rejected) == (len(payloads), 1)
    assert RejectedReport.objects.get().reason == "MALFORMED"


@pytest.mark.parametrize("size", [1, 5, 100])
def test_batches_do_not_show_in_the_result(make_fleet, clock, monkeypatch, size):
    monkeypatch.setattr(decrypting, "PAYLOADS_PER_BATCH", size)
    trackers = make_fleet(4)
    payloads = some_payloads(trackers, clock)
    outcome = store(trackers, [*payloads, (payloads[0][0], b"short")], clock())
    assert (outcome.stored, outcome.rejected) == (len(payloads), 1)
    assert LocationReport.objects.count() == GeofenceEvent.objects.count() == len(payloads)


def test_what_was_recorded_before_an_error_is_not_stored_twice(make_fleet, clock, monkeypatch):
    monkeypatch.setattr(decrypting, "PAYLOADS_PER_BATCH", 4)
    trackers = make_fleet(3)
    payloads = some_payloads(trackers, clock)
    record, calls = reports.record_reports, []

    def dies_at_the_second(reports, *, now):
        calls.append(len(reports))
        if len(calls) == 2:
            raise ConnectionError("the database went away")
        return record(reports, now=now)

    monkeypatch.setattr(reports, "record_reports", dies_at_the_second)
    with pytest.raises(ConnectionError):
        store(trackers, payloads, clock())
    monkeypatch.setattr(reports, "record_reports", record)
    outcome = store(trackers, payloads, clock())
    assert (outcome.stored, outcome.duplicates) == (8, 4)


def test_known_reports_are_found_by_the_key_of_their_partition(make_fleet, clock, planner):
    [tracker] = make_fleet(1)
    kept = ReportFactory.create(tracker=tracker, seen_at=clock())
    identity = ReportIdentity(tracker.pk, kept.seen_at, bytes(kept.fingerprint))
    assert selectors.stored_among([identity, identity._replace(fingerprint=bytes(16))]) == {identity}
    arrays = bulk.transposed([identity] * 1000, ("tracker_ids", "seen_ats", "fingerprints"))
    scans = plans.scans(plans.explain_bulk(selectors.STORED_AMONG, arrays), "trackers_locationreport")
    assert scans
    assert all(scan["Node Type"] in plans.BY_INDEX for scan in scans)
