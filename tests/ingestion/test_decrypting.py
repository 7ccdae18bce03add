"""What can't be used costs only itself, from the gateway's answer to the store."""

from datetime import timedelta

import pytest

from ingestion.findmy.client import FetchAnswer, RejectedEntry, Rejection
from keys.models import KeyPair
from keys.services import unsealing
from tests.ingestion.payloads import sealed
from trackers.models import LocationReport, RejectedReport

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_bad_tag_costs_only_itself(make_fleet, serve, fetch):
    serve(make_fleet(3)).faults.set({"bad_tag": 1})

    run = fetch()

    assert run.failed == 0
    assert run.recorded.stored > 20
    rejected = RejectedReport.objects.get()
    assert (rejected.reason, rejected.tracker_id is None) == ("UNDECRYPTABLE", False)
    assert rejected.detail.startswith("bad_tag: ")


def test_a_key_that_was_not_asked_for_is_kept_apart(make_fleet, serve, fetch):
    serve(make_fleet(3)).faults.set({"foreign_id": 1})

    assert fetch().failed == 0

    rejected = RejectedReport.objects.get()
    assert (rejected.reason, rejected.tracker_id) == ("UNKNOWN_KEY", None)
    assert len(rejected.hashed_key) == 44


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda payload: b"", "MALFORMED"),
        (lambda payload: payload[:-1], "MALFORMED"),
        (lambda payload: payload[:10] + bytes(10) + payload[20:], "UNDECRYPTABLE"),
    ],
    ids=["empty", "short", "off the curve"],
)
def test_a_malformed_payload_is_rejected_and_its_neighbour_stored(
    make_fleet, serve, fetch, clock, answering, spoil, reason
):
    [tracker] = make_fleet(1)
    serve([tracker])
    hashed_key, good = sealed(tracker, clock)
    answering(lambda _: FetchAnswer({hashed_key: [spoil(good), good]}, ()))

    run = fetch()

    assert (run.recorded.stored, run.rejected) == (1, 1)
    rejected = RejectedReport.objects.get()
    assert (rejected.reason, rejected.tracker_id, rejected.hashed_key) == (reason, tracker.pk, hashed_key)


def test_impossible_values_are_rejected(make_fleet, serve, fetch, clock, answering):
    [tracker] = make_fleet(1)
    serve([tracker])
    soon = timedelta(minutes=9)
    later = timedelta(minutes=11)
    reports = [
        sealed(tracker, clock, seen_at=clock() + soon),
        sealed(tracker, clock, seen_at=clock() + later),
        sealed(tracker, clock, latitude=91.0),
        sealed(tracker, clock, longitude=-181.0),
    ]
    answering(lambda _: FetchAnswer({reports[0][0]: [payload for _, payload in reports]}, ()))

    run = fetch()

    assert (run.recorded.stored, run.rejected) == (1, 3)
    assert set(RejectedReport.objects.values_list("reason", flat=True)) == {"IMPLAUSIBLE"}


def test_broken_entries_are_kept_without_breaking_the_database(make_fleet, serve, fetch, clock, answering):
    serve(make_fleet(1))
    entries = (
        RejectedEntry("no\x00id", b"1", Rejection.UNREQUESTED_ID),
        RejectedEntry("\ud800", b"2", Rejection.BAD_BASE64),
        RejectedEntry("x" * 500, b"3", Rejection.MALFORMED_ENTRY),
    )
    answering(lambda _: FetchAnswer({}, entries))

    run = fetch()

    assert (run.failed, run.rejected) == (0, 3)
    rows = RejectedReport.objects.order_by("payload").values_list("reason", "hashed_key")
    assert list(rows) == [("UNKNOWN_KEY", ""), ("MALFORMED", ""), ("MALFORMED", "")]


def test_a_key_that_the_vault_can_not_open_costs_only_its_own_reports(make_fleet, serve, fetch, monkeypatch):
    trackers = make_fleet(2)
    serve(trackers)
    lost = KeyPair.objects.get(tracker=trackers[0]).hashed_key
    original = unsealing.unseal_private_keys

    def without_one(*, hashed_keys, purpose):
        return original(hashed_keys=[key for key in hashed_keys if key != lost], purpose=purpose)

    monkeypatch.setattr(unsealing, "unseal_private_keys", without_one)

    run = fetch()

    assert run.recorded.stored > 0
    assert set(LocationReport.objects.values_list("tracker_id", flat=True)) == {trackers[1].pk}
    assert set(RejectedReport.objects.values_list("tracker_id", "reason")) == {
        (trackers[0].pk, "UNDECRYPTABLE")
    }
