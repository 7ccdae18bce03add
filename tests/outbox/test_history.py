"""What the status history tells: each arrival, departure and change of status, and each that is retracted."""

from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.contrib.gis.geos import Point
from django.db import connection, transaction
from django.db.models import F
from hypothesis import given

from foundation import bulk
from locations.models import Location
from outbox.models import Fact
from tests.factories import NOW, AssignmentFactory, BrandFactory, DeliveryFactory, RunFactory, StorageFactory
from tests.laws import law
from tests.outbox.folding import fold, published, stored
from tests.trackers.reports import LATITUDE, incoming, longitude_at
from tests.trackers.worlds import START, Stage, hesitant_worlds, worlds
from trackers.models import Assignment, GeofenceEvent, Retraction, StatusChange
from trackers.services import assigning
from trackers.services.history import Cause, recompute_trackers
from trackers.services.reports.recording import record_reports

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)
FENCE = Cause(Retraction.FENCE)
TOLD = {
    "tracker.entered": "+entry",
    "tracker.exited": "+exit",
    "tracker.status_changed": "+status",
    "tracker.entry_retracted": "-entry",
    "tracker.exit_retracted": "-exit",
    "tracker.status_change_retracted": "-status",
}


@pytest.fixture
def depot_and_shop():
    run = RunFactory()
    depot = StorageFactory(center=Point(longitude_at(0), LATITUDE), runs=[run])
    shop = DeliveryFactory(center=Point(longitude_at(500), LATITUDE), runs=[run])
    return run, depot, shop


def record(tracker_id, *spots, late=0):
    """A report for each (minute, metres east)."""
    reports = [incoming(tracker_id, NOW + minute * MINUTE, east_m=east_m) for minute, east_m in spots]
    record_reports(reports, now=NOW + timedelta(hours=1 + late))


def told(after=0):
    facts = Fact.objects.filter(id__gt=after).order_by("id")
    return [(TOLD[fact.type], round((fact.occurred_at - NOW) / MINUTE), _what(fact)) for fact in facts]


def _what(fact):
    return fact.data.get("status") or fact.data["location"]


def last_id():
    return Fact.objects.latest("id").pk


def test_journey_is_told_in_order_and_dwell_and_transit_are_not(depot_and_shop):
    run, depot, shop = depot_and_shop
    assignment = AssignmentFactory(run=run)
    record(assignment.tracker_id, (0, 0), (1, 0), (2, 250), (3, 250), (4, 500), (5, 500))
    assert told() == [
        ("+entry", 0, depot.pk),
        ("+status", 0, "IN_STORAGE"),
        ("+exit", 2, depot.pk),
        ("+status", 2, "IN_TRANSIT"),
        ("+entry", 4, shop.pk),
        ("+status", 4, "DELIVERED"),
    ]
    facts = Fact.objects.order_by("id")
    assert {fact.client_id for fact in facts} == {run.brand.client_id}
    assert {fact.subject for fact in facts} == {f"tracker/{assignment.tracker_id}"}
    assert {fact.recorded_at for fact in facts} == {NOW + timedelta(hours=1)}
    assert facts.last().data == {
        "status_change": StatusChange.objects.get(status="DELIVERED").pk,
        "assignment": assignment.pk,
        "location": shop.pk,
        "status": "DELIVERED",
    }


def test_late_report_retracts_what_it_refutes_and_tells_the_rest(depot_and_shop):
    run, _, shop = depot_and_shop
    tracker_id = AssignmentFactory(run=run).tracker_id
    record(tracker_id, (0, 0), (8, 500))
    before = last_id()
    record(tracker_id, (4, 500), late=1)
    changes = told(before)
    assert {change for change in changes if change[0].startswith("-")} == {
        ("-status", 8, "DELIVERED"),
        ("-entry", 8, shop.pk),
    } | {change for change in changes if change[0] == "-exit"}
    assert ("+status", 4, "DELIVERED") in changes
    assert ("+entry", 4, shop.pk) in changes
    assert {fact.data.get("retracted_after") for fact in Fact.objects.filter(type__contains="retracted")} == {
        "REPORT"
    }
    assert fold(published()) == stored()


def test_what_comes_out_equal_tells_nothing(depot_and_shop):
    run, _, _ = depot_and_shop
    tracker_id = AssignmentFactory(run=run).tracker_id
    record(tracker_id, (0, 0), (2, 250), (4, 500))
    before = last_id()
    record(tracker_id, (0, 0), (2, 250), (4, 500))
    record(tracker_id, (3, 250), (5, 500), (6, 500))
    recompute_trackers(tracker_ids=[tracker_id], cause=FENCE, now=NOW)
    assert told(before) == []


def test_recomputation_tells_what_a_changed_fence_changes(depot_and_shop):
    run, depot, _ = depot_and_shop
    tracker_id = AssignmentFactory(run=run).tracker_id
    record(tracker_id, (0, 0), (2, 250), (4, 500))
    before = last_id()
    Location.objects.filter(pk=depot.pk).update(radius_m=300)
    recompute_trackers(tracker_ids=[tracker_id], cause=FENCE, now=NOW)
    assert ("-status", 2, "IN_TRANSIT") in told(before)
    assert fold(published()) == stored()
    retracted = Fact.objects.filter(type__contains="retracted")
    assert {fact.data["retracted_after"] for fact in retracted} == {"FENCE"}


def test_recomputation_that_is_rolled_back_tells_nothing(depot_and_shop):
    run, depot, _ = depot_and_shop
    tracker_id = AssignmentFactory(run=run).tracker_id
    record(tracker_id, (0, 0), (2, 250), (4, 500))
    before = last_id()
    with transaction.atomic():
        Location.objects.filter(pk=depot.pk).update(radius_m=300)
        recompute_trackers(tracker_ids=[tracker_id], cause=FENCE, now=NOW)
        assert told(before)
        transaction.set_rollback(True)
    assert told(before) == []


def test_repair_of_drift_is_told(depot_and_shop):
    run, _, _ = depot_and_shop
    tracker_id = AssignmentFactory(run=run).tracker_id
    record(tracker_id, (0, 0), (2, 250), (4, 500))
    wrong = StatusChange.objects.get(status="DELIVERED")
    GeofenceEvent.objects.filter(status_change=wrong).update(retracted_at=NOW)
    before = last_id()
    recompute_trackers(tracker_ids=[tracker_id], cause=Cause(Retraction.CHECK), now=NOW)
    assert [change[:2] for change in told(before)] == [("+entry", 4)]


def test_retraction_goes_to_the_client_of_its_time(depot_and_shop):
    run, _, _ = depot_and_shop
    earlier = AssignmentFactory(run=run)
    record(earlier.tracker_id, (0, 0), (8, 500))
    other, moved_at = RunFactory(), NOW + 20 * MINUTE
    assigning.release(tracker_ids=[earlier.tracker_id], at=moved_at, now=moved_at)
    assigning.assign(tracker_ids=[earlier.tracker_id], run=other, start=moved_at, now=moved_at)
    before = last_id()
    record(earlier.tracker_id, (4, 500), (30, 900), late=1)
    clients = {}
    for fact in Fact.objects.filter(id__gt=before):
        clients.setdefault(fact.client_id, []).append(TOLD[fact.type])
    assert "-status" in clients[run.brand.client_id]
    assert clients[other.brand.client_id] == ["+status"]
    first = Fact.objects.filter(client=other.brand.client_id).earliest("id")
    assert first.sequence == 1


def test_many_trackers_cost_two_statements(depot_and_shop, monkeypatch):
    run, _, _ = depot_and_shop
    tracker_ids = [AssignmentFactory(run=run).tracker_id for _ in range(30)]
    asked = []
    execute = bulk.execute
    monkeypatch.setattr(bulk, "execute", lambda query, *args: asked.append(query) or execute(query, *args))
    reports = [incoming(tracker_id, NOW, east_m=0) for tracker_id in tracker_ids]
    record_reports(reports, now=NOW)
    assert sum("outbox_fact" in query for query in asked) == 1
    assert Fact.objects.count() == 60


@contextmanager
def staged(world):
    with transaction.atomic():
        yield Stage(world, BrandFactory())
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        transaction.set_rollback(True)


@given(world=worlds | hesitant_worlds)
@law(150)
def test_folding_the_facts_gives_the_history_at_every_time(world):
    """Whatever the order of arrival, after each batch, and while fences grow and shrink."""
    with staged(world) as stage:
        tracker_ids = [tracker.pk for tracker in stage.trackers]
        for number, batch in enumerate(world.arrivals):
            now = START + timedelta(days=1, minutes=number)
            record_reports([stage.incoming(it) for it in batch], now=now)
            assert fold(published()) == stored()
        for factor in (4, 0.25):
            Location.objects.update(radius_m=F("radius_m") * factor)
            recompute_trackers(tracker_ids=tracker_ids, cause=FENCE, now=START + timedelta(days=2))
            assert fold(published()) == stored()
        assert_streams_have_no_gap()
        assert_periods_last_until_the_next()


def assert_streams_have_no_gap():
    latest = {}
    for fact in published():
        stream = (fact.subject, fact.client_id)
        assert fact.sequence == latest.get(stream, 0) + 1
        latest[stream] = fact.sequence


def assert_periods_last_until_the_next():
    """So a follower who knows the assignments knows also when each period ends."""
    ends = {row.pk: row.period.upper for row in Assignment.objects.all()}
    following = {}
    for row in StatusChange.objects.valid().order_by("-started_at", "-fingerprint"):
        assert row.ended_at == following.get(row.assignment_id, ends[row.assignment_id])
        following[row.assignment_id] = row.started_at
