"""Who uses Glimpse, and a world in which each sees something else.

Everything of the first client is called Alpha, everything of the second Beta, so that a leak shows in any answer.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.contrib.gis.geos import Point
from django.db import transaction
from django.utils import timezone
from knox.models import AuthToken
from rest_framework.test import APIClient

from clients.models import Client, Membership, ProductionRun, User
from keys.models import KeyBatch, ManufacturerExport
from keys.services import exporting
from locations.models import Location
from orders.models import Order
from outbox.facts import FactType
from outbox.services import publish
from tests import factories
from trackers.models import Alert, Assignment, GeofenceEvent, GeoStatus, LocationReport, StatusChange, Tracker

PERSONAS = (
    "viewer",
    "manager",
    "other_client",
    "staff",
    "anonymous",
    "inactive",
    "manufacturer",
    "other_manufacturer",
)


@dataclass
class Tenant:
    client: Client
    run: ProductionRun
    location: Location
    assignment: Assignment
    order: Order
    alert: Alert

    @property
    def tracker(self) -> Tracker:
        return self.assignment.tracker


@dataclass
class Maker:
    """A manufacturer with a batch of two devices, exported once."""

    user: User
    batch: KeyBatch
    export: ManufacturerExport


@dataclass
class World:
    now: datetime
    alpha: Tenant
    beta: Tenant
    users: dict[str, User]
    maker: Maker
    other_maker: Maker

    def api_client(self, persona: str) -> APIClient:
        client = APIClient()
        if persona in self.users:
            client.credentials(HTTP_AUTHORIZATION=f"Token {make_token(self.users[persona])}")
        return client


def make_token(user: User) -> str:
    return AuthToken.objects.create(user=user)[1]


def make_world() -> World:
    now = timezone.now().replace(microsecond=0)
    alpha = make_tenant("Alpha", mac="A1:A1:A1:00:00:01", latitude=11.0, now=now)
    beta = make_tenant("Beta", mac="B2:B2:B2:00:00:02", latitude=22.0, now=now)
    role = Membership.Role
    users = {
        "viewer": make_member(alpha.client, role.VIEWER),
        "manager": make_member(alpha.client, role.MANAGER),
        "other_client": make_member(beta.client, role.MANAGER),
        "staff": factories.StaffFactory(),
        "inactive": make_member(alpha.client, role.MANAGER, is_active=False),
    }
    maker, other_maker = make_maker("Alpha", now), make_maker("Beta", now)
    users |= {"manufacturer": maker.user, "other_manufacturer": other_maker.user}
    return World(now, alpha, beta, users, maker, other_maker)


def make_maker(name: str, now: datetime) -> Maker:
    user = factories.UserFactory()
    manufacturer = factories.ManufacturerFactory(name=f"{name} works", users=[user])
    batch = factories.KeyBatchFactory(label=f"{name} keys", devices=2, manufacturer=manufacturer)
    for index in range(2):
        factories.KeyPairFactory(batch=batch, device_index=index)
    return Maker(user, batch, exporting.export_batch(batch=batch, format_code="csv", actor=None, now=now))


def make_member(client: Client, role: str, **fields: object) -> User:
    user = factories.UserFactory(**fields)
    factories.MembershipFactory(user=user, client=client, role=role)
    return user


@transaction.atomic
def make_tenant(name: str, *, mac: str, latitude: float, now: datetime) -> Tenant:
    """A client with a run, a storage location, an order, its tracker that arrived there two hours ago, an alert, and
    the fact of the location."""
    client = factories.ClientFactory(name=name)
    brand = factories.BrandFactory(client=client, name=f"{name} shoes")
    run = factories.RunFactory(brand=brand, name=f"{name} spring")
    center = Point(5.0, latitude)
    location = factories.StorageFactory(name=f"{name} depot", center=center, runs=[run])
    tracker = factories.TrackerFactory(mac=mac, serial=f"{name}-1", state=Tracker.State.ACTIVE)
    assignment = factories.AssignmentFactory(tracker=tracker, run=run, start=now - timedelta(days=60))
    make_period(assignment, location, since=now - timedelta(hours=2))
    make_report(assignment, now - timedelta(hours=1), position=center)
    Tracker.objects.filter(pk=tracker.pk).update(
        status=GeoStatus.IN_STORAGE,
        status_since=now - timedelta(hours=2),
        location=location,
        last_seen_at=now - timedelta(hours=1),
        last_received_at=now,
        last_position=center,
        last_accuracy_m=20,
        battery="LOW",
    )
    order = factories.OrderFactory(run=run, reference=f"{name} order", placed_at=now)
    factories.AllocationFactory(order=order, tracker=tracker, allocated_at=now)
    alert = factories.AlertFactory(
        assignment=assignment, kind=Alert.Kind.LONG_STAY, location=location, began_at=now - timedelta(hours=1)
    )
    publish(
        type=FactType.LOCATION_CHANGED,
        subject_id=location.pk,
        client_id=client.pk,
        occurred_at=now,
        data={"change": "added", "name": location.name},
        now=now,
    )
    return Tenant(client, run, location, assignment, order, alert)


def make_report(assignment: Assignment, seen_at: datetime, **fields: object) -> LocationReport:
    received_at = seen_at + timedelta(hours=1)
    return factories.ReportFactory(
        tracker=assignment.tracker, seen_at=seen_at, **({"received_at": received_at} | fields)
    )


def make_period(
    assignment: Assignment, location: Location, *, since: datetime, until: datetime | None = None
) -> StatusChange:
    """The report of an arrival at a storage location, its event and its row of the history."""
    report = make_report(assignment, since, position=location.center)
    period = factories.StatusChangeFactory(
        assignment=assignment,
        status=GeoStatus.IN_STORAGE,
        location=location,
        started_at=since,
        ended_at=until,
        fingerprint=report.fingerprint,
    )
    factories.EventFactory(
        assignment=assignment,
        type=GeofenceEvent.Type.ENTRY,
        location=location,
        status_change=period,
        occurred_at=since,
        fingerprint=report.fingerprint,
    )
    return period
