"""Factories for every model, shared by all tests. Each makes a valid row with as little as possible around it.

A tracker of a client is `AssignmentFactory(run=run).tracker`; what the pipeline writes (history, tracker columns)
is better made by `record_reports` than by hand.
"""

import hashlib
from datetime import UTC, date, datetime, timedelta
from typing import Any

import factory
from django.contrib.gis.geos import Point
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from factory.django import DjangoModelFactory

from clients.models import Brand, Client, Membership, ProductionRun, User
from keys import advertisement
from keys.models import KeyBatch, KeyPair, Manufacturer, ManufacturerExport
from locations.models import Location
from orders.models import DeviceAllocation, Order
from trackers.models import (
    Alert,
    Assignment,
    DailyPosition,
    GeofenceEvent,
    GeoStatus,
    HourlyPosition,
    LocationReport,
    RejectedReport,
    StatusChange,
    Tracker,
)

NOW = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
# When reports of the time around NOW have all been seen.
ARRIVED = NOW + timedelta(days=30)
AMSTERDAM = Point(4.8994, 52.3792)


def make_fingerprint(number: int) -> bytes:
    """Sixteen bytes that belong to no other number."""
    return hashlib.sha256(b"%d" % number).digest()[:16]


def make_mac(number: int) -> str:
    return (0xC0_00_00_00_00_00 + number).to_bytes(6, "big").hex(":").upper()


class UserFactory(DjangoModelFactory[User]):
    class Meta:
        model = User

    username = factory.Sequence(lambda n: f"user{n}")
    email = factory.LazyAttribute(lambda user: f"{user.username}@example.org")


class StaffFactory(UserFactory):
    is_staff = True


class AdminFactory(StaffFactory):
    is_superuser = True


class ClientFactory(DjangoModelFactory[Client]):
    class Meta:
        model = Client

    name = factory.Sequence(lambda n: f"Client {n}")


class BrandFactory(DjangoModelFactory[Brand]):
    class Meta:
        model = Brand

    client = factory.SubFactory(ClientFactory)
    name = factory.Sequence(lambda n: f"Brand {n}")


class RunFactory(DjangoModelFactory[ProductionRun]):
    class Meta:
        model = ProductionRun

    brand = factory.SubFactory(BrandFactory)
    name = factory.Sequence(lambda n: f"Run {n}")
    start_date = date(2026, 1, 1)
    end_date = date(2099, 12, 31)


class MembershipFactory(DjangoModelFactory[Membership]):
    class Meta:
        model = Membership

    user = factory.SubFactory(UserFactory)
    client = factory.SubFactory(ClientFactory)


class LocationFactory(DjangoModelFactory[Location]):
    """A circle of 100 m around Amsterdam's central station, always active; `runs=[…]` links it."""

    class Meta:
        model = Location
        skip_postgeneration_save = True

    name = factory.Sequence(lambda n: f"Location {n}")
    kind = Location.Kind.STORAGE
    center = AMSTERDAM
    active_from = None

    @factory.post_generation
    def runs(self: Location, create: bool, runs: list[ProductionRun] | None, **kwargs: Any) -> None:
        if create and runs:
            self.runs.set(runs)


class StorageFactory(LocationFactory):
    kind = Location.Kind.STORAGE


class DeliveryFactory(LocationFactory):
    kind = Location.Kind.DELIVERY


class TrackerFactory(DjangoModelFactory[Tracker]):
    class Meta:
        model = Tracker

    mac = factory.Sequence(make_mac)
    serial = factory.Sequence(lambda n: f"SN{n:06}")


class AssignmentFactory(DjangoModelFactory[Assignment]):
    """From `start` (2026-01-01) to `end` (open). The tracker's `latest_assignment` becomes this one."""

    class Meta:
        model = Assignment
        skip_postgeneration_save = True

    class Params:
        start = datetime(2026, 1, 1, tzinfo=UTC)
        end = None

    tracker = factory.SubFactory(TrackerFactory, state=Tracker.State.ACTIVE)
    run = factory.SubFactory(RunFactory)
    period = factory.LazyAttribute(lambda it: DateTimeTZRange(it.start, it.end, "[)"))

    @factory.post_generation
    def latest(self: Assignment, create: bool, latest: bool | None, **kwargs: Any) -> None:
        if create and latest is not False:
            self.tracker.latest_assignment = self
            self.tracker.save(update_fields=["latest_assignment"])


class ReportFactory(DjangoModelFactory[LocationReport]):
    class Meta:
        model = LocationReport

    tracker = factory.SubFactory(TrackerFactory)
    seen_at = factory.Sequence(lambda n: NOW + timedelta(seconds=n))
    fingerprint = factory.Sequence(make_fingerprint)
    position = AMSTERDAM
    accuracy_m = 20.0
    confidence = 3
    source = LocationReport.Source.FIND_MY
    received_at = NOW


class RejectedReportFactory(DjangoModelFactory[RejectedReport]):
    class Meta:
        model = RejectedReport

    source = LocationReport.Source.FIND_MY
    payload = b"no report"
    fingerprint = factory.Sequence(make_fingerprint)
    reason = RejectedReport.Reason.MALFORMED


class StatusChangeFactory(DjangoModelFactory[StatusChange]):
    """In transit since `started_at`; the tracker is the assignment's."""

    class Meta:
        model = StatusChange

    assignment = factory.SubFactory(AssignmentFactory)
    tracker = factory.SelfAttribute("assignment.tracker")
    status = GeoStatus.IN_TRANSIT
    started_at = NOW
    fingerprint = factory.Sequence(make_fingerprint)
    recorded_at = factory.SelfAttribute("started_at")


class EventFactory(DjangoModelFactory[GeofenceEvent]):
    """A TRANSIT. For an ENTRY or EXIT give `type`, `location` and the `status_change` of the same moment."""

    class Meta:
        model = GeofenceEvent

    assignment = factory.SubFactory(AssignmentFactory)
    tracker = factory.SelfAttribute("assignment.tracker")
    type = GeofenceEvent.Type.TRANSIT
    occurred_at = NOW
    fingerprint = factory.Sequence(make_fingerprint)
    recorded_at = factory.SelfAttribute("occurred_at")


class HourlyPositionFactory(DjangoModelFactory[HourlyPosition]):
    class Meta:
        model = HourlyPosition

    tracker = factory.SubFactory(TrackerFactory)
    bucket_at = NOW
    reports = 1
    first_seen_at = factory.SelfAttribute("bucket_at")
    last_seen_at = factory.SelfAttribute("bucket_at")
    centroid = AMSTERDAM
    best_position = AMSTERDAM


class DailyPositionFactory(HourlyPositionFactory):
    class Meta:
        model = DailyPosition

    bucket_at = NOW.replace(hour=0)


class AlertFactory(DjangoModelFactory[Alert]):
    """An open alert of a tracker under its assignment."""

    class Meta:
        model = Alert

    assignment = factory.SubFactory(AssignmentFactory)
    tracker = factory.SelfAttribute("assignment.tracker")
    kind = Alert.Kind.SILENT
    began_at = NOW
    latest_at = factory.SelfAttribute("began_at")
    recorded_at = factory.SelfAttribute("began_at")


class ManufacturerFactory(DjangoModelFactory[Manufacturer]):
    """`users=[…]` work for it."""

    class Meta:
        model = Manufacturer
        skip_postgeneration_save = True

    name = factory.Sequence(lambda n: f"Manufacturer {n}")

    @factory.post_generation
    def users(self: Manufacturer, create: bool, users: list[User] | None, **kwargs: Any) -> None:
        if create and users:
            self.users.set(users)


class KeyBatchFactory(DjangoModelFactory[KeyBatch]):
    """One device with one key, generated on paper: no key pair in it can be unsealed.

    Use `simulation.devices.make_batch` for one with real secrets.
    """

    class Meta:
        model = KeyBatch

    label = factory.Sequence(lambda n: f"Batch {n}")
    devices = 1
    generated_devices = factory.SelfAttribute("devices")
    state = KeyBatch.State.GENERATED
    sealed_data_key = bytes(64)


class KeyPairFactory(DjangoModelFactory[KeyPair]):
    """A real, fresh key pair whose private key is thrown away."""

    class Meta:
        model = KeyPair

    class Params:
        pair = factory.LazyFunction(advertisement.generate_key_pair)

    batch = factory.SubFactory(KeyBatchFactory)
    device_index = factory.Sequence(lambda n: n)
    key_index = 0
    advertisement_key = factory.LazyAttribute(lambda it: it.pair.advertisement_key)
    hashed_key = factory.LazyAttribute(lambda it: it.pair.hashed_key)
    mac = factory.LazyAttribute(lambda it: it.pair.mac)
    sealed_private_key = bytes(56)


class ManufacturerExportFactory(DjangoModelFactory[ManufacturerExport]):
    """On paper; `exporting.export_batch` makes one whose checksum is that of its file."""

    class Meta:
        model = ManufacturerExport

    batch = factory.SubFactory(KeyBatchFactory)
    format = "csv"
    sha256 = "0" * 64
    rows = 1
    size_bytes = 1


class OrderFactory(DjangoModelFactory[Order]):
    """Placed; its client is the run's."""

    class Meta:
        model = Order

    run = factory.SubFactory(RunFactory)
    client = factory.SelfAttribute("run.brand.client")
    quantity = 10
    state = Order.State.PLACED
    placed_at = NOW


class AllocationFactory(DjangoModelFactory[DeviceAllocation]):
    class Meta:
        model = DeviceAllocation

    order = factory.SubFactory(OrderFactory)
    tracker = factory.SubFactory(TrackerFactory, state=Tracker.State.ALLOCATED)
    allocated_at = NOW
