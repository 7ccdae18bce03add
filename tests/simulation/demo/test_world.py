"""The demo world: made once by the real services, and as its plan says once its fleet has been fetched."""

import csv
import json
import re
from collections import Counter
from datetime import datetime, timedelta
from io import StringIO

import pytest
from django.contrib.auth import authenticate
from django.core.management import CommandError, call_command
from django.utils import timezone

from clients.models import Client, Membership, ProductionRun, User
from ingestion.models import AccountState
from ingestion.services import fetching, queueing
from keys.models import DeviceImport, KeyBatch, KeyPair, ManufacturerExport
from locations.models import Location
from ops.pages import lifecycle
from orders.models import DeviceAllocation, Order
from simulation.demo import checking, planning, world
from simulation.demo.expectation import expected
from simulation.demo.shipments import RUNS, Phase, shipments
from simulation.findmy.gateway import LocalGateway
from simulation.findmy.plan import load_plan
from simulation.findmy.tracks import distance_m
from tests.factories import NOW
from trackers.models import Assignment, GeoStatus, Tracker
from trackers.services.recomputation import verifying

MINUTE = timedelta(minutes=1)


@pytest.fixture
def plan_path(tmp_path):
    return tmp_path / "demo" / "plan.json"


@pytest.fixture
def without_buses(monkeypatch, tmp_path):
    monkeypatch.setenv("GLIMPSE_BUS_CSV", str(tmp_path / "missing.csv"))


@pytest.fixture
def with_buses(monkeypatch, tmp_path):
    """Eight recorded vehicles of two rows each."""
    path = tmp_path / "buses.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["vehicle_id", "timestamp", "latitude", "longitude"])
        for vehicle in range(4700, 4708):
            writer.writerow([vehicle, "2026-01-26 16:00:00", 53.4078, -2.9832])
            writer.writerow([vehicle, "2026-01-26 17:00:00", 53.4619, -2.8950])
    monkeypatch.setenv("GLIMPSE_BUS_CSV", str(path))
    return path


def load(plan_path):
    out, err = StringIO(), StringIO()
    call_command("load_demo_world", plan=plan_path, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def rows():
    models = [Client, ProductionRun, Location, User, KeyBatch, KeyPair, Tracker, Assignment, Order]
    return {model.__name__: model.objects.count() for model in models}


def test_shipments_are_in_every_phase():
    phases = Counter(shipment.phase for shipment in shipments(NOW))
    assert phases == {Phase.STORED: 6, Phase.LEAVING: 6, Phase.ON_THE_WAY: 10, Phase.DELIVERED: 38}
    assert any(shipment.hub for shipment in shipments(NOW))


def test_shipments_depart_and_arrive_as_their_phase_says():
    base = NOW.timestamp()
    for shipment in shipments(NOW):
        departs_at, arrives_s = shipment.itinerary.departs_at, shipment.itinerary.arrives_s
        if shipment.phase is Phase.STORED:
            assert departs_at is None
            continue
        assert departs_at - shipment.itinerary.active_from > timedelta(hours=6)
        if shipment.phase is Phase.DELIVERED:
            assert base - 5 * 86_400 < arrives_s < base - 3 * 3_600
        else:
            assert arrives_s > base + 30 * 60
        if shipment.phase is Phase.LEAVING:
            assert NOW <= departs_at <= NOW + 10 * MINUTE


def test_places_of_a_run_are_far_apart_and_drawn_areas_cover_the_noise():
    for run in RUNS:
        for place in run.places:
            apart = [distance_m(place.center, other.center) for other in run.places if other != place]
            assert min(apart) > 20_000
            assert all(400 < distance_m(place.center, corner) < 1_500 for corner in place.corners)


@pytest.mark.django_db
@pytest.mark.usefixtures("without_buses")
def test_world_is_made_by_the_services_from_keys_to_shipped_trackers(plan_path):
    load(plan_path)
    batch = KeyBatch.objects.get()
    assert batch.state == KeyBatch.State.GENERATED
    export, device_import = ManufacturerExport.objects.get(), DeviceImport.objects.get()
    assert (export.batch, export.rows) == (batch, 60 * world.KEYS_PER_DEVICE)
    assert export.acknowledged_by.username == "demo-maker"
    assert (device_import.state, device_import.imported, device_import.rejected) == (
        DeviceImport.State.DONE,
        60,
        0,
    )
    assert set(KeyPair.objects.values_list("device_import", flat=True)) == {device_import.pk}
    made = Tracker.objects.filter(firmware="2.4.1", hardware_revision="C", manufactured_at__isnull=False)
    assert made.count() == 60
    assert KeyPair.objects.exclude(tracker=None).count() == 60 * world.KEYS_PER_DEVICE
    assert set(Order.objects.values_list("state", "quantity")) == {(Order.State.SHIPPED, 15)}
    assert DeviceAllocation.objects.open().count() == 60
    assert set(Tracker.objects.values_list("state", "status")) == {("ACTIVE", GeoStatus.CREATED)}
    assert Assignment.objects.filter(period__upper_inf=True).count() == 60
    assert verifying.check_summary(now=timezone.now()).ok
    assert Client.objects.count() == 2
    storages = Location.objects.filter(kind=Location.Kind.STORAGE)
    assert (storages.count(), Location.objects.count()) == (7, 22)
    assert Location.objects.filter(area__isnull=False).count() >= 2


@pytest.mark.django_db
@pytest.mark.usefixtures("without_buses")
def test_lifecycle_of_a_tracker_begins_with_its_keys_and_says_who_did_what(plan_path):
    load(plan_path)
    steps = lifecycle.steps_of(Tracker.objects.get(serial="DEMO-0001"))
    assert [(step.name, step.milestone.actor) for step in steps if step.milestone] == [
        ("Keys generated", "demo-ops"),
        ("Keys exported", "demo-ops"),
        ("Export acknowledged", "demo-maker"),
        ("Manufactured", ""),
        ("Devices sent for import", "demo-maker"),
        ("Received in stock", "demo-ops"),
        ("Ordered", "demo-halden"),
        ("Allocated", "demo-ops"),
        ("Shipped", "demo-ops"),
    ]
    assert [step.name for step in steps if not step.milestone] == ["First report", "Delivered"]


@pytest.mark.django_db
@pytest.mark.usefixtures("without_buses")
def test_users_are_told_once_and_can_sign_in(plan_path):
    out, _ = load(plan_path)
    passwords = dict(re.findall(r"(demo-\w+) +│ +(\S+)", out))
    assert passwords.keys() == {"demo-ops", "demo-maker", "demo-halden", "demo-lumen"}
    for username, password in passwords.items():
        assert authenticate(username=username, password=password) is not None
    assert User.objects.get(username="demo-ops").is_staff
    assert Membership.objects.count() == 2
    maker = User.objects.get(username="demo-maker")
    assert (
        KeyBatch.objects.visible_to(maker).count()
        == ManufacturerExport.objects.visible_to(maker).count()
        == 1
    )
    assert not Tracker.objects.visible_to(maker).exists()
    halden = User.objects.get(username="demo-halden")
    assert Tracker.objects.visible_to(halden).count() == 30
    assert load(plan_path)[0] == ""


@pytest.mark.django_db
@pytest.mark.usefixtures("without_buses")
def test_loading_again_changes_nothing_and_restores_the_plan(plan_path):
    load(plan_path)
    before, plan = rows(), plan_path.read_bytes()
    plan_path.unlink()
    _, err = load(plan_path)
    assert "is kept" in err
    assert rows() == before
    assert plan_path.read_bytes() == plan


@pytest.mark.django_db
def test_missing_recording_is_said_and_costs_the_buses_only(plan_path, without_buses):
    _, err = load(plan_path)
    assert "without its eight buses" in err
    assert len(load_plan(plan_path).trackers) == 60


@pytest.mark.django_db
def test_recorded_buses_are_eight_more_trackers(plan_path, with_buses):
    load(plan_path)
    plan = load_plan(plan_path)
    assert len(plan.trackers) == Tracker.objects.count() == 68
    document = json.loads(plan_path.read_text())
    assert [it["replay"]["vehicle"] for it in document["trackers"][60:]] == [str(4700 + n) for n in range(8)]


@pytest.mark.django_db
@pytest.mark.usefixtures("without_buses")
def test_plan_has_public_keys_only_and_names_every_tracker(plan_path):
    load(plan_path)
    plan = load_plan(plan_path)
    assert {tracker.mac for tracker in plan.trackers} == set(Tracker.objects.values_list("mac", flat=True))
    assert {len(tracker.advertisement_keys) for tracker in plan.trackers} == {world.KEYS_PER_DEVICE}
    document = plan_path.read_text()
    for name in ("private", "sealed", "password"):
        assert name not in document


@pytest.mark.django_db
@pytest.mark.usefixtures("without_buses")
def test_taken_name_is_one_clear_error_and_leaves_nothing_behind(plan_path):
    User.objects.create_user("demo-ops")
    with pytest.raises(CommandError, match="taken by something else"):
        load(plan_path)
    assert not KeyBatch.objects.exists()
    assert not plan_path.exists()


@pytest.fixture
def fetched(transactional_db, without_buses, settings, monkeypatch, tmp_path):
    """A world whose backlog has been fetched from a local gateway; returns what is expected of it."""
    monkeypatch.setattr(planning, "MEDIAN_GAP_S", 3_000)
    made = world.load_world(buses=0, now=NOW, progress=lambda _: None)
    planning.write_plan(tmp_path / "plan.json", made)
    plan = load_plan(tmp_path / "plan.json")
    later = NOW + MINUTE
    settings.FINDMY_ACCOUNTS = ["demo:dsid:token"]
    settings.FINDMY_REQUESTS_PER_ACCOUNT_PER_HOUR = 1_000
    with LocalGateway(plan, clock=lambda: later) as gateway:
        settings.FINDMY_URL = gateway.fetch_url()
        settings.FINDMY_ANISETTE_URL = gateway.url
        queueing.sync_queue(now=later)
        run = fetching.fetch_due(clock=lambda: later, time_budget_s=60, sleep=lambda _: None)
    assert (run.trackers, run.failed) == (60, 0)
    assert not AccountState.objects.exclude(consecutive_refusals=0).exists()
    return expected(plan, [shipment.run for shipment in shipments(plan.started_at)])


SPOILED = {
    lambda tracker: tracker.reports.all().delete(): "reports of the days before",
    lambda tracker: tracker.events.update(retracted_at=NOW): "have no event",
    lambda tracker: tracker.status_changes.update(retracted_at=NOW): "no status history",
    lambda tracker: Tracker.objects.filter(pk=tracker.pk).update(status="CREATED", location=None): "yet",
}


def test_fetched_world_is_as_its_plan_says_and_any_damage_is_noticed(fetched):
    assert list(checking.problems(fetched, injected=0)) == []
    assert sum(it.delivered for it in fetched.values()) >= 30
    figures = checking.figures(fetched, fetched=1)
    expected = sum(it.delivered for it in fetched.values())
    assert figures["delivered_as_expected"] == expected <= figures["trackers"][GeoStatus.DELIVERED]
    assert figures["trackers"][GeoStatus.IN_STORAGE] >= 10
    assert figures["events"]["ENTRY"] >= 80
    hubs = [it for it in fetched.values() if [period.status for period in it.history].count("IN_STORAGE") > 1]
    assert hubs

    delivered = Tracker.objects.filter(mac__in=[mac for mac, it in fetched.items() if it.delivered])
    for tracker, (spoil, complaint) in zip(delivered, SPOILED.items(), strict=False):
        spoil(tracker)
        assert any(complaint in problem for problem in checking.problems(fetched, injected=0)), complaint
    assert any("were injected" in problem for problem in checking.problems(fetched, injected=1))


def test_expectation_does_not_depend_on_the_stored_world():
    """Two computations of the same plan agree, to the microsecond of its base."""
    base = datetime.fromisoformat((NOW + timedelta(microseconds=123_457)).isoformat())
    assert shipments(base) == shipments(base)
