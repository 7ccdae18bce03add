"""A device goes to one client, comes back and goes to another: through the services, seen through the API."""

from datetime import timedelta

import pytest

from ops.pages import lifecycle
from orders.services import allocating, placing, releasing, shipping
from tests.api.conftest import as_persona, own_cache, world
from tests.factories import TrackerFactory, make_fingerprint
from trackers.incoming import IncomingReport
from trackers.models import LocationReport, Tracker
from trackers.services.reports import recording

__all__ = ["as_persona", "own_cache", "world"]

MAC = "D4:D4:D4:00:00:04"
HOUR = timedelta(hours=1)
SERIES = ("reports", "events", "history")


def report(tracker, location, at, now):
    incoming = IncomingReport(
        tracker_id=tracker.pk,
        seen_at=at,
        fingerprint=make_fingerprint(int(at.timestamp())),
        latitude=location.center.y,
        longitude=location.center.x,
        accuracy_m=10.0,
        confidence=3,
        battery="FULL",
        source=LocationReport.Source.FIND_MY,
        payload=b"",
        hashed_key="",
    )
    assert recording.record_reports([incoming], now=now).stored == 1


def send(tenant, tracker, at):
    """Order, allocate and ship; then the tracker arrives at the tenant's depot."""
    order = placing.place_order(client=tenant.client, run=tenant.run, quantity=1, now=at)
    allocating.allocate_devices(order=order, macs=[tracker.mac], now=at)
    shipping.ship_order(order=order, now=at + HOUR)
    report(tracker, tenant.location, at + 2 * HOUR, at + 3 * HOUR)
    return order


@pytest.fixture
def moved(world):
    begin = world.now - timedelta(hours=20)
    tracker = TrackerFactory(mac=MAC, serial="moved", created_at=begin - HOUR)
    send(world.alpha, tracker, begin)
    releasing.return_devices(tracker_ids=[tracker.pk], now=begin + 5 * HOUR, reason="campaign over")
    releasing.restock_devices(tracker_ids=[tracker.pk], now=begin + 6 * HOUR)
    # A report on the way back, in nobody's run.
    report(tracker, world.alpha.location, begin + 7 * HOUR, begin + 8 * HOUR)
    send(world.beta, tracker, begin + 10 * HOUR)
    tracker.refresh_from_db()
    return tracker


@pytest.mark.parametrize("series", SERIES)
@pytest.mark.usefixtures("moved")
def test_each_client_sees_its_own_time_only(world, as_persona, series):
    since = f"since={world.now - timedelta(days=2):%Y-%m-%dT%H:%M:%SZ}"
    first, second = (
        as_persona(persona).get(f"/api/v1/{series}/?tracker={MAC}&{since}")
        for persona in ("viewer", "other_client")
    )
    assert len(first.json()["results"]) == len(second.json()["results"]) == 1
    assert "Beta" not in first.content.decode()
    assert "Alpha" not in second.content.decode()
    assert as_persona("viewer").get(f"/api/v1/trackers/{MAC}/{series}/").status_code == 404


@pytest.mark.usefixtures("moved")
def test_tracker_and_its_place_are_the_second_clients(as_persona):
    assert as_persona("viewer").get(f"/api/v1/trackers/{MAC}/").status_code == 404
    shown = as_persona("other_client").get(f"/api/v1/trackers/{MAC}/").json()
    assert (shown["state"], shown["status"], shown["location"]["name"]) == (
        "ACTIVE",
        "IN_STORAGE",
        "Beta depot",
    )


def test_order_of_the_first_client_has_the_device_no_more(world, as_persona, moved):
    first, second = moved.allocations.order_by("pk")
    devices = as_persona("viewer").get(f"/api/v1/orders/{first.order_id}/devices/").json()["results"]
    assert devices == []
    assert as_persona("viewer").get(f"/api/v1/orders/{second.order_id}/").status_code == 404


def test_lifecycle_tells_both_lives_in_order_and_what_is_still_to_come(moved):
    steps = lifecycle.steps_of(moved)
    happened = [step.name for step in steps if step.milestone]
    # Returned and back in stock are dated by the audit, which goes by the database's clock.
    assert [name for name in happened if name not in ("Returned", "Back in stock")] == [
        "Received in stock",
        "Ordered",
        "Allocated",
        "Shipped",
        "First report",
        "Arrived in storage",
        "Ordered",
        "Allocated",
        "Shipped",
        "First report",
        "Arrived in storage",
    ]
    returned = next(step.milestone for step in steps if step.name == "Returned")
    assert returned.detail == "campaign over"


def test_lifecycle_of_a_device_in_stock_shows_what_is_awaited(db):
    steps = lifecycle.steps_of(TrackerFactory())
    assert [(step.name, bool(step.milestone)) for step in steps] == [
        ("Received in stock", True),
        ("Ordered by a client", False),
        ("Allocated to an order", False),
        ("Shipped", False),
        ("First report", False),
        ("Delivered", False),
    ]


def test_lifecycle_begins_again_with_the_stock(db):
    tracker = TrackerFactory(state=Tracker.State.ACTIVE)
    releasing.return_devices(tracker_ids=[tracker.pk], now=tracker.created_at)
    assert [step.name for step in lifecycle.steps_of(tracker) if not step.milestone] == []
    releasing.restock_devices(tracker_ids=[tracker.pk], now=tracker.created_at)
    coming = [step.name for step in lifecycle.steps_of(tracker) if not step.milestone]
    assert coming[0] == "Ordered by a client"
