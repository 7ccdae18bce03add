"""Makes the demo world in the database, by the services that a real one is made by."""

import secrets
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.contrib.gis.geos import Point, Polygon
from django.db import transaction

from clients.models import Brand, Client, Membership, ProductionRun, User
from ingestion.demo.places import Place
from ingestion.demo.shipments import BUS_RUN, RUNS, SHIPPED_BEFORE, DemoRun, Shipment, shipments
from keys.models import KeyBatch, KeyPair
from keys.services import generating, registering
from locations.models import Location
from orders.services import allocating, placing, shipping
from trackers.models import Tracker

BATCH = "Demo world"
KEYS_PER_DEVICE = 20
BUSES = 8
# The world has a past: batch and runs are older than the shipments, which are older than the demo's beginning.
BATCH_AGE = timedelta(days=9)
RUN_AGE = timedelta(days=10)
RUN_LASTS = timedelta(days=60)
STAFF = "demo-ops"
MEMBERS = {"demo-halden": "Halden Coffee", "demo-lumen": "Lumen Displays"}

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class NewUser:
    """The password is told once and stored nowhere but as a hash."""

    username: str
    sees: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class World:
    """base: when the demo began. trackers: one per shipment, then one per bus, in that order.

    new_users is empty for a world that was there already.
    """

    base: datetime
    trackers: list[Tracker]
    new_users: list[NewUser]


def load_world(*, buses: int, now: datetime, progress: Progress) -> World:
    """Return the demo world, made in one transaction if it isn't there; `buses` more trackers for the replay.

    Raises IntegrityError if the demo's names are taken by something else.
    """
    with transaction.atomic():
        batch = KeyBatch.objects.filter(label=BATCH).first()
        if batch is not None:
            return World(batch.created_at + BATCH_AGE, _trackers(batch), [])
        return _make_world(buses, now, progress)


def _make_world(buses: int, now: datetime, progress: Progress) -> World:
    progress("Clients, brands, production runs and places")
    runs = _make_runs(now)
    _make_places(runs, now)
    progress("Users")
    users = _make_users()
    demo_runs = [shipment.run for shipment in shipments(now)] + [BUS_RUN] * buses
    progress(f"Keys of {len(demo_runs)} devices, {KEYS_PER_DEVICE} each")
    batch = generating.generate_batch(
        label=BATCH,
        devices=len(demo_runs),
        keys_per_device=KEYS_PER_DEVICE,
        actor=None,
        now=now - BATCH_AGE,
    )
    serials = {index: f"DEMO-{index + 1:04}" for index in range(batch.devices)}
    trackers = registering.register_devices(batch=batch, serials=serials, now=now - BATCH_AGE)
    progress("Orders, allocations, shipping")
    for demo_run, quantity in Counter(demo_runs).items():
        macs = [tracker.mac for tracker, of in zip(trackers, demo_runs, strict=True) if of == demo_run]
        _ship(runs[demo_run], macs, quantity, now)
    return World(now, _trackers(batch), users)


def _make_runs(now: datetime) -> dict[DemoRun, ProductionRun]:
    runs = {}
    for demo_run in (*RUNS, BUS_RUN):
        client, _ = Client.objects.get_or_create(name=demo_run.client)
        brand, _ = Brand.objects.get_or_create(client=client, name=demo_run.brand)
        runs[demo_run] = ProductionRun.objects.create(
            brand=brand,
            name=demo_run.name,
            start_date=(now - RUN_AGE).date(),
            end_date=(now + RUN_LASTS).date(),
            confirmations=demo_run.confirmations,
            max_accuracy_m=demo_run.max_accuracy_m,
        )
    return runs


def _make_places(runs: dict[DemoRun, ProductionRun], now: datetime) -> None:
    places = dict.fromkeys(place for demo_run in runs for place in demo_run.places)
    made = Location.objects.bulk_create(_location(place, now) for place in places)
    locations = dict(zip(places, made, strict=True))
    Location.runs.through.objects.bulk_create(
        Location.runs.through(location=locations[place], productionrun=run)
        for demo_run, run in runs.items()
        for place in demo_run.places
    )


def _location(place: Place, now: datetime) -> Location:
    return Location(
        name=place.name,
        kind=place.kind,
        address=place.address,
        center=_point(place.center),
        radius_m=place.radius_m,
        area=Polygon([_point(corner) for corner in place.corners]) if place.corners else None,
        active_from=now - RUN_AGE,
        created_at=now - RUN_AGE,
    )


def _point(position: tuple[float, float]) -> Point:
    return Point(position[1], position[0], srid=4326)


def _make_users() -> list[NewUser]:
    users = [NewUser(STAFF, "everything", secrets.token_urlsafe(12))]
    User.objects.create_superuser(STAFF, password=users[0].password)
    for username, client_name in MEMBERS.items():
        password = secrets.token_urlsafe(12)
        user = User.objects.create_user(username, password=password)
        client = Client.objects.get(name=client_name)
        Membership.objects.create(user=user, client=client, role=Membership.Role.MANAGER)
        users.append(NewUser(username, client_name, password))
    return users


def _ship(run: ProductionRun, macs: Sequence[str], quantity: int, now: datetime) -> None:
    shipped_at = now - SHIPPED_BEFORE
    order = placing.place_order(
        client=run.brand.client,
        run=run,
        quantity=quantity,
        reference=f"DEMO-{run.name}",
        wanted_by=(now + timedelta(days=7)).date(),
        now=now - BATCH_AGE,
    )
    allocating.allocate_devices(order=order, macs=macs, start=shipped_at, now=shipped_at)
    shipping.ship_order(order=order, now=shipped_at)


def _trackers(batch: KeyBatch) -> list[Tracker]:
    first_keys = KeyPair.objects.filter(batch=batch, key_index=0).order_by("device_index")
    return [pair.tracker for pair in first_keys.select_related("tracker") if pair.tracker]


def shipped(world: World) -> Iterable[tuple[Tracker, Shipment]]:
    """Each shipment with its tracker; the buses are left out."""
    return zip(world.trackers, shipments(world.base), strict=False)
