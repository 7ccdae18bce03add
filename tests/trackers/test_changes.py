"""A changed location, run or membership, made without any page: what follows holds from the shell too."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
from django.contrib.gis.geos import Point, Polygon
from django.test import Client as Browser
from django.urls import reverse

from clients.models import Membership, ProductionRun
from foundation.errors import InUseError, InvalidValuesError
from locations.models import Location
from outbox.models import Fact
from tests.factories import (
    NOW,
    AdminFactory,
    AssignmentFactory,
    BrandFactory,
    ClientFactory,
    MembershipFactory,
    RunFactory,
    StaffFactory,
    StorageFactory,
    UserFactory,
)
from tests.trackers.reports import incoming
from trackers.models import RecomputationJob, StatusChange, Tracker
from trackers.services.changes import locations, runs, tenants
from trackers.services.reports import recording

pytestmark = pytest.mark.django_db

SEEN_AT = datetime(2026, 3, 10, 12, tzinfo=UTC)
HERE = Point(4.8994, 52.3792, srid=4326)


@pytest.fixture
def tracker() -> Tracker:
    """Seen once, at the centre of the locations that `StorageFactory` makes."""
    tracker = AssignmentFactory().tracker
    report = incoming(tracker.pk, SEEN_AT, latitude=HERE.y, longitude=HERE.x)
    recording.record_reports([report], now=SEEN_AT)
    Fact.objects.all().delete()
    tracker.refresh_from_db()
    return tracker


@pytest.fixture
def run(tracker: Tracker) -> ProductionRun:
    assert tracker.latest_assignment
    return tracker.latest_assignment.run


def told() -> list[tuple[str, int | None, str]]:
    """Type, client and kind of change of all facts, in order."""
    return [(fact.type, fact.client_id, fact.data.get("change", "")) for fact in Fact.objects.order_by("pk")]


def jobs() -> list[tuple[str, str, int]]:
    return [(job.reason, job.change, job.total) for job in RecomputationJob.objects.order_by("pk")]


def test_a_new_location_recomputes_who_was_there_and_is_told_to_its_client(
    tracker: Tracker, run: ProductionRun
) -> None:
    actor = StaffFactory()
    added = locations.add_location(
        name="Depot",
        kind=Location.Kind.STORAGE,
        center=HERE,
        radius_m=150,
        runs=[run],
        active_from=None,
        actor=actor,
        now=NOW,
    )
    assert jobs() == [("FENCE", "new fence", 1)]
    assert added.job
    assert added.job.requested_by == actor
    assert list(added.location.runs.all()) == [run]
    assert told() == [("location.changed", run.brand.client_id, "added")]


def test_a_changed_fence_is_stored_recomputed_and_told(tracker: Tracker, run: ProductionRun) -> None:
    location = StorageFactory(runs=[run])
    changed = locations.change_location(location=location, actor=None, now=NOW, radius_m=500)
    assert Location.objects.get().radius_m == 500
    assert jobs() == [("FENCE", "radius 100 → 500 m", 1)]
    assert changed.location.name == location.name
    assert told() == [("location.changed", run.brand.client_id, "changed")]


def test_a_client_that_loses_a_location_is_told(tracker: Tracker, run: ProductionRun) -> None:
    location, other = StorageFactory(runs=[run]), RunFactory()
    locations.change_location(location=location, actor=None, now=NOW, runs=[other])
    assert {client for _, client, _ in told()} == {run.brand.client_id, other.brand.client_id}
    assert jobs() == [("FENCE", f"added to {other.name}; taken out of {run.name}", 1)]


def test_a_change_that_decides_nothing_is_told_and_recomputes_nothing(
    tracker: Tracker, run: ProductionRun
) -> None:
    location = StorageFactory(runs=[run])
    assert locations.change_location(location=location, actor=None, now=NOW, name="New").job is None
    assert jobs() == []
    assert told() == [("location.changed", run.brand.client_id, "changed")]


def test_a_preview_says_what_would_change_and_changes_nothing(tracker: Tracker, run: ProductionRun) -> None:
    location = StorageFactory()
    tried = locations.preview_change(location=location, actor=None, clock=lambda: NOW, runs=[run])
    assert tried
    assert (tried.change, tried.preview.changing) == (f"added to {run.name}", 1)
    new = locations.preview_new(
        actor=None, clock=lambda: NOW, name="N", kind="STORAGE", center=HERE, runs=[run], active_from=None
    )
    assert new
    assert new.preview.changing == 1
    ended = runs.preview_change(run=run, actor=None, clock=lambda: NOW, end_date=date(2026, 3, 9))
    assert ended
    assert ended.preview.changing == 1
    assert runs.preview_change(run=run, actor=None, clock=lambda: NOW, name="Renamed") is None
    assert (jobs(), told(), list(location.runs.all()), Location.objects.count()) == ([], [], [], 1)


def test_a_location_that_a_history_names_is_not_deleted(tracker: Tracker, run: ProductionRun) -> None:
    used, unused = StorageFactory(runs=[run]), StorageFactory(runs=[run])
    StatusChange.objects.filter(tracker=tracker).update(location=used, status="IN_STORAGE")
    with pytest.raises(InUseError, match="Give it an end"):
        locations.delete_location(location=used, actor=None, now=NOW)
    locations.delete_location(location=unused, actor=None, now=NOW)
    assert list(Location.objects.all()) == [used]
    assert told() == [("location.changed", run.brand.client_id, "deleted")]


def test_changed_dates_and_policy_of_a_run_are_recomputed_and_told(
    tracker: Tracker, run: ProductionRun
) -> None:
    runs.change_run(run=run, actor=None, now=NOW, end_date=date(2026, 3, 9))
    runs.change_run(run=run, actor=None, now=NOW, confirmations=3)
    assert [change for _, change, _ in jobs()] == [
        "last day 2099-12-31 → 2026-03-09",
        "confirming reports 1 → 3",
    ]
    assert told() == [("run.changed", run.brand.client_id, "changed")] * 2


def test_a_run_is_added_and_deleted_and_told() -> None:
    brand = BrandFactory()
    run = runs.add_run(
        brand=brand,
        name="Spring",
        start_date=date(2026, 3, 1),
        end_date=date(2026, 4, 1),
        countries=["NL", "DE"],
        actor=None,
        now=NOW,
    )
    assert ProductionRun.objects.get().countries == ["DE", "NL"]
    runs.delete_run(run=run, actor=None, now=NOW)
    assert [change for _, _, change in told()] == ["added", "deleted"]
    assert jobs() == []


def test_a_run_that_had_trackers_is_not_deleted(run: ProductionRun) -> None:
    with pytest.raises(InUseError, match="End it instead"):
        runs.delete_run(run=run, actor=None, now=NOW)
    assert told() == []


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"end_date": date(2025, 1, 1)}, "end_date"),
        ({"start_date": date(1999, 12, 31)}, "start_date"),
        ({"end_date": date(2100, 1, 1)}, "end_date"),
        ({"confirmations": 0}, "confirmations"),
        ({"name": ""}, "name"),
        ({"max_speed_kmh": 9}, "max_speed_kmh"),
        ({"max_speed_kmh": 3001}, "max_speed_kmh"),
        ({"entry_accuracy_factor": 0}, "entry_accuracy_factor"),
        ({"entry_accuracy_factor": 101}, "entry_accuracy_factor"),
        ({"confirmations": 11}, "confirmations"),
        ({"max_accuracy_m": -1}, "max_accuracy_m"),
    ],
)
def test_a_run_that_can_not_be_is_refused_by_its_field(values: dict[str, Any], field: str) -> None:
    run = RunFactory()
    with pytest.raises(InvalidValuesError) as refused:
        runs.change_run(run=run, actor=None, now=NOW, **values)
    assert list(refused.value.fields) == [field]
    assert (jobs(), told()) == ([], [])


def test_runs_and_brands_with_runs_stay_with_their_client() -> None:
    run = RunFactory()
    with pytest.raises(InvalidValuesError, match="stays with its client"):
        runs.change_run(run=run, actor=None, now=NOW, brand=BrandFactory())
    with pytest.raises(InvalidValuesError, match="stays with"):
        tenants.change_brand(brand=run.brand, actor=None, now=NOW, client=ClientFactory())


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"radius_m": 0}, "radius_m"),
        ({"radius_m": 100_001}, "radius_m"),
        ({"center": Point(181, 0, srid=4326)}, "center"),
        ({"area": Polygon(((4, 52), (5, 53), (5, 52), (4, 53), (4, 52)), srid=4326)}, "area"),
        ({"area": Polygon(((4, 95), (5, 95), (5, 96), (4, 95)), srid=4326)}, "area"),
        ({"active_from": NOW, "active_until": NOW}, "active_until"),
        ({"kind": "SHOP"}, "kind"),
    ],
)
def test_a_location_that_can_not_be_is_refused_by_its_field(values: dict[str, Any], field: str) -> None:
    location = StorageFactory()
    with pytest.raises(InvalidValuesError) as refused:
        locations.change_location(location=location, actor=None, now=NOW, **values)
    assert list(refused.value.fields) == [field]
    assert told() == []


def test_an_unknown_value_is_an_error() -> None:
    with pytest.raises(TypeError, match="colour"):
        runs.change_run(run=RunFactory(), actor=None, now=NOW, colour="red")  # type: ignore[call-arg]


def test_memberships_are_told_to_their_client() -> None:
    user, client = UserFactory(), ClientFactory()
    membership = tenants.grant_membership(user=user, client=client, actor=None, now=NOW)
    tenants.change_membership(membership=membership, role=Membership.Role.MANAGER, actor=None, now=NOW)
    tenants.revoke_membership(membership=membership, actor=None, now=NOW)
    facts = [(fact.type, fact.client_id, fact.data["role"]) for fact in Fact.objects.order_by("pk")]
    assert facts == [
        ("membership.changed", client.pk, "VIEWER"),
        ("membership.changed", client.pk, "MANAGER"),
        ("membership.ended", client.pk, "MANAGER"),
    ]
    assert not Membership.objects.exists()


def test_a_membership_twice_is_refused() -> None:
    membership = MembershipFactory()
    with pytest.raises(InvalidValuesError):
        tenants.grant_membership(user=membership.user, client=membership.client, actor=None, now=NOW)


def test_a_deleted_client_ends_its_memberships() -> None:
    membership = MembershipFactory()
    tenants.delete_client(client=membership.client, actor=None, now=NOW)
    assert [type_ for type_, _, _ in told()] == ["membership.ended", "client.changed"]


@pytest.fixture
def ops(client: Browser) -> Browser:
    client.force_login(AdminFactory())
    return client


def test_the_admin_tells_memberships_from_each_of_its_pages(ops: Browser) -> None:
    """Their own page, and the tables on the pages of clients and users."""
    client, first, second = ClientFactory(), UserFactory(), UserFactory()
    ops.post(
        reverse("admin:clients_membership_add"), {"user": first.pk, "client": client.pk, "role": "VIEWER"}
    )
    membership = Membership.objects.get()
    table = {
        "name": client.name,
        "brands-TOTAL_FORMS": 1,
        "brands-INITIAL_FORMS": 0,
        "brands-0-name": "Aurora",
        "memberships-TOTAL_FORMS": 2,
        "memberships-INITIAL_FORMS": 1,
        "memberships-0-id": membership.pk,
        "memberships-0-client": client.pk,
        "memberships-0-user": first.pk,
        "memberships-0-role": "MANAGER",
        "memberships-1-user": second.pk,
        "memberships-1-role": "VIEWER",
    }
    assert ops.post(reverse("admin:clients_client_change", args=[client.pk]), table).status_code == 302
    assert [(row.user, row.role) for row in Membership.objects.order_by("pk")] == [
        (first, "MANAGER"),
        (second, "VIEWER"),
    ]
    delete = reverse("admin:clients_membership_delete", args=[membership.pk])
    assert ops.post(delete, {"post": "yes"}).status_code == 302
    assert [type_ for type_, _, _ in told()] == [
        "membership.changed",
        "brand.changed",
        "membership.changed",
        "membership.changed",
        "membership.ended",
    ]


def test_the_admin_deletes_a_location_by_the_service(ops: Browser) -> None:
    location = StorageFactory(runs=[RunFactory()])
    url = reverse("admin:locations_storagelocation_delete", args=[location.pk])
    assert ops.post(url, {"post": "yes"}).status_code == 302
    assert [change for _, _, change in told()] == ["deleted"]
