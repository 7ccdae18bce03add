"""What orders tell of a device's lifecycle: only what happened to the order while the device was its."""

from datetime import timedelta

import pytest

from ops.pages import lifecycle
from orders.services import allocating, placing, releasing, shipping
from tests.factories import NOW, RunFactory, StaffFactory, TrackerFactory
from trackers.models import Tracker

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)


def happened(tracker: Tracker, *names: str) -> list[str]:
    """The names of what happened, of these kinds, in the order of time."""
    return [step.name for step in lifecycle.steps_of(tracker) if step.milestone and step.name in names]


def awaited(tracker: Tracker) -> list[str]:
    return [step.name for step in lifecycle.steps_of(tracker) if not step.milestone]


@pytest.fixture
def order():
    run = RunFactory()
    return placing.place_order(client=run.brand.client, run=run, quantity=2, reference="PO-1", now=NOW)


def test_device_that_was_taken_back_has_no_part_in_a_later_shipment(order) -> None:
    taken_back, stays = (TrackerFactory(created_at=NOW - HOUR) for _ in range(2))
    allocating.allocate_devices(order=order, macs=[taken_back.mac, stays.mac], now=NOW + HOUR)
    releasing.report_lost(tracker_ids=[taken_back.pk], now=NOW + 2 * HOUR)
    allocating.allocate_devices(order=order, macs=[TrackerFactory().mac], now=NOW + 3 * HOUR)
    shipping.ship_order(order=order, now=NOW + 4 * HOUR)
    assert happened(taken_back, "Ordered", "Allocated", "Shipped") == ["Ordered", "Allocated"]
    assert happened(stays, "Ordered", "Allocated", "Shipped") == ["Ordered", "Allocated", "Shipped"]


def test_device_that_comes_back_after_its_shipment_was_shipped(order) -> None:
    first, second = (TrackerFactory(created_at=NOW - HOUR) for _ in range(2))
    allocating.allocate_devices(order=order, macs=[first.mac, second.mac], now=NOW + HOUR)
    shipping.ship_order(order=order, now=NOW + 2 * HOUR)
    releasing.return_devices(tracker_ids=[first.pk], now=NOW + 3 * HOUR)
    assert happened(first, "Ordered", "Allocated", "Shipped") == ["Ordered", "Allocated", "Shipped"]


def test_order_that_lost_a_device_was_ordered_once(order) -> None:
    """Losing a device brings the order back to placed: that is no second order."""
    first, second = (TrackerFactory(created_at=NOW - HOUR) for _ in range(2))
    allocating.allocate_devices(order=order, macs=[first.mac, second.mac], now=NOW + HOUR)
    releasing.report_lost(tracker_ids=[first.pk], now=NOW + 2 * HOUR)
    assert happened(second, "Ordered") == ["Ordered"]
    assert awaited(second)[0] == "Shipped"


def test_milestones_say_who_and_to_whom(order) -> None:
    ops = StaffFactory(username="ops")
    tracker = TrackerFactory(created_at=NOW - HOUR)
    allocating.allocate_devices(
        order=order, macs=[tracker.mac, TrackerFactory().mac], now=NOW + HOUR, actor=ops
    )
    shipping.ship_order(order=order, now=NOW + 2 * HOUR, actor=ops)
    told = {step.name: step.milestone for step in lifecycle.steps_of(tracker) if step.milestone}
    assert (told["Allocated"].at, told["Shipped"].at) == (NOW + HOUR, NOW + 2 * HOUR)
    assert (told["Allocated"].actor, told["Shipped"].actor, told["Ordered"].actor) == ("ops", "ops", "")
    assert told["Allocated"].detail == f"To {order} of {order.client}"
    assert str(order) in told["Shipped"].detail
    assert told["Shipped"].about == ("orders.order", order.pk, "")


def test_each_way_out_of_use_is_told_with_its_reason() -> None:
    tracker = TrackerFactory(state=Tracker.State.ACTIVE, created_at=NOW - HOUR)
    ids = [tracker.pk]
    releasing.report_lost(tracker_ids=ids, now=NOW, reason="fell off")
    releasing.return_devices(tracker_ids=ids, now=NOW, reason="found")
    releasing.restock_devices(tracker_ids=ids, now=NOW)
    releasing.retire_devices(tracker_ids=ids, now=NOW, reason="cracked")
    told = {step.name: step.milestone.detail for step in lifecycle.steps_of(tracker) if step.milestone}
    del told["Received in stock"]
    assert told == {
        "Reported lost": "fell off",
        "Returned": "found",
        "Back in stock": "",
        "Retired": "cracked",
    }
