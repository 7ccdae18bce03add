"""Makes the demo world in the database, by the services that a real one is made by."""

import secrets
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.contrib.gis.geos import Point, Polygon
from django.db import transaction
from django.db.models import Min

from clients.models import Brand, Client, Membership, ProductionRun, User
from keys.models import KeyBatch, KeyPair
from orders.models import Order
from orders.services import allocating, placing, shipping
from simulation.demo import manufacturing
from simulation.demo.manufacturing import BATCH, KEYS_PER_DEVICE, MANUFACTURER
from simulation.demo.shipments import BUS_RUN, RUNS, SHIPPED_BEFORE, DemoRun, Shipment, shipments
from trackers.models import Tracker
from trackers.services import recomputation
from trackers.services.changes import locations, runs, tenants

BUSES = 8
# The world has a past: the orders and runs are older than the shipments, which are older than the demo's beginning.
CLIENT_AGE = timedelta(days=90)
ORDERED_BEFORE = timedelta(days=20)
ALLOCATED_BEFORE = SHIPPED_BEFORE + timedelta(hours=20)
RUN_AGE = timedelta(days=10)
RUN_LASTS = timedelta(days=60)
STAFF = "demo-ops"
MAKER = "demo-maker"
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
    """Return the demo world, made in one transaction if it isn't there; `buses` more trackers for recorded vehicles.

    Raises InvalidValuesError or IntegrityError if the demo's names are taken by something else.
    """
    with transaction.atomic():
        batch = KeyBatch.objects.filter(label=BATCH).first()
        if batch is not None:
            return World(_began_at(), _trackers(batch), [])
        return _make_world(buses, now, progress)


def _make_world(buses: int, now: datetime, progress: Progress) -> World:
    progress("Clients, brands, production runs and places")
    made = _make_runs(now)
    _make_places(made, now)
    progress("Users")
    users = _make_users(now)
    demo_runs = [shipment.run for shipment in shipments(now)] + [BUS_RUN] * buses
    ops, maker = User.objects.get(username=STAFF), User.objects.get(username=MAKER)
    progress(f"Keys of {len(demo_runs)} devices, {KEYS_PER_DEVICE} each: export, manufacture, import")
    batch = manufacturing.make_devices(devices=len(demo_runs), ops=ops, maker=maker, now=now)
    trackers = _trackers(batch)
    progress("Orders, allocations, shipping")
    for demo_run, quantity in Counter(demo_runs).items():
        macs = [tracker.mac for tracker, of in zip(trackers, demo_runs, strict=True) if of == demo_run]
        _ship(made[demo_run], macs, quantity, ops, now)
    progress("First check of the timelines")
    recomputation.verify_oldest(trackers=len(trackers), clock=lambda: now)
    return World(now, trackers, users)


def _began_at() -> datetime:
    """When the world was made, to the microsecond, of which its first order still tells."""
    first = Order.objects.filter(reference=_reference(RUNS[0].name)).aggregate(at=Min("shipped_at"))
    shipped_at: datetime = first["at"]
    return shipped_at + SHIPPED_BEFORE


def _make_runs(now: datetime) -> dict[DemoRun, ProductionRun]:
    made: dict[DemoRun, ProductionRun] = {}
    clients: dict[str, Client] = {}
    brands: dict[tuple[str, str], Brand] = {}
    for demo_run in (*RUNS, BUS_RUN):
        client_name, brand_name = demo_run.client, demo_run.brand
        if client_name not in clients:
            clients[client_name] = tenants.add_client(name=client_name, actor=None, now=now - CLIENT_AGE)
        if (client_name, brand_name) not in brands:
            brands[client_name, brand_name] = tenants.add_brand(
                client=clients[client_name], name=brand_name, actor=None, now=now - CLIENT_AGE
            )
        made[demo_run] = runs.add_run(
            brand=brands[client_name, brand_name],
            name=demo_run.name,
            start_date=(now - RUN_AGE).date(),
            end_date=(now + RUN_LASTS).date(),
            confirmations=demo_run.confirmations,
            max_accuracy_m=demo_run.max_accuracy_m,
            actor=None,
            now=now - RUN_AGE,
        )
    return made


def _make_places(made: dict[DemoRun, ProductionRun], now: datetime) -> None:
    for place in dict.fromkeys(place for demo_run in made for place in demo_run.places):
        locations.add_location(
            name=place.name,
            kind=place.kind,
            address=place.address,
            center=_point(place.center),
            radius_m=place.radius_m,
            area=Polygon([_point(corner) for corner in place.corners]) if place.corners else None,
            runs=[run for demo_run, run in made.items() if place in demo_run.places],
            active_from=now - RUN_AGE,
            created_at=now - RUN_AGE,
            actor=None,
            now=now - RUN_AGE,
        )


def _point(position: tuple[float, float]) -> Point:
    latitude, longitude = position
    return Point(longitude, latitude, srid=4326)


def _make_users(now: datetime) -> list[NewUser]:
    staff = NewUser(STAFF, "everything", secrets.token_urlsafe(12))
    maker = NewUser(MAKER, f"{MANUFACTURER} (API)", secrets.token_urlsafe(12))
    User.objects.create_superuser(STAFF, password=staff.password)
    User.objects.create_user(MAKER, password=maker.password)
    users = [staff, maker]
    for username, client_name in MEMBERS.items():
        password = secrets.token_urlsafe(12)
        user = User.objects.create_user(username, password=password)
        client = Client.objects.get(name=client_name)
        tenants.grant_membership(user=user, client=client, role=Membership.Role.MANAGER, actor=None, now=now)
        users.append(NewUser(username, client_name, password))
    return users


def _ship(run: ProductionRun, macs: Sequence[str], quantity: int, ops: User, now: datetime) -> None:
    """Ordered by the client's manager, then ops' work."""
    manager = Membership.objects.select_related("user").get(client=run.brand.client).user
    allocated_at, shipped_at = now - ALLOCATED_BEFORE, now - SHIPPED_BEFORE
    order = placing.place_order(
        client=run.brand.client,
        run=run,
        quantity=quantity,
        reference=_reference(run.name),
        wanted_by=(now + timedelta(days=7)).date(),
        now=now - ORDERED_BEFORE,
        actor=manager,
    )
    allocating.allocate_devices(order=order, macs=macs, now=allocated_at, actor=ops)
    shipping.ship_order(order=order, now=shipped_at, actor=ops)


def _reference(run_name: str) -> str:
    return f"DEMO-{run_name}"


def _trackers(batch: KeyBatch) -> list[Tracker]:
    first_keys = KeyPair.objects.filter(batch=batch, key_index=0).order_by("device_index")
    return [pair.tracker for pair in first_keys.select_related("tracker") if pair.tracker]


def shipped(world: World) -> Iterable[tuple[Tracker, Shipment]]:
    """Each shipment with its tracker; the buses are left out."""
    return zip(world.trackers, shipments(world.base), strict=False)
