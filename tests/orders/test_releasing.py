"""Return, loss, retirement and restocking of devices; and that fetching ends with them."""

from datetime import timedelta

import pytest

from ingestion.models import FetchState
from ingestion.services import queueing
from orders import errors
from orders.models import Order
from orders.services import allocating, releasing, shipping
from tests.factories import NOW, AssignmentFactory, KeyPairFactory, OrderFactory, RunFactory, TrackerFactory
from trackers.lifecycle import TRANSITIONS
from trackers.models import Assignment, Tracker
from trackers.services import locking

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)
State = Tracker.State
STEPS = {
    State.RETURNED: releasing.return_devices,
    State.LOST: releasing.report_lost,
    State.RETIRED: releasing.retire_devices,
    State.IN_STOCK: releasing.restock_devices,
}


@pytest.fixture
def shipped():
    """An order of three, shipped at NOW, of devices that have keys."""
    trackers = TrackerFactory.create_batch(3)
    for tracker in trackers:
        KeyPairFactory(tracker=tracker)
    order = OrderFactory(quantity=3)
    allocating.allocate_devices(order=order, now=NOW - HOUR)
    return shipping.ship_order(order=order, now=NOW)


def devices(order):
    return [it.tracker_id for it in order.allocations.order_by("tracker")]


@pytest.mark.parametrize("to", STEPS)
@pytest.mark.parametrize("before", State)
def test_devices_come_only_from_the_states_that_make_sense(to, before):
    tracker = TrackerFactory(state=before)
    if (before, to) in TRANSITIONS:
        STEPS[to](tracker_ids=[tracker.pk], now=NOW)
        tracker.refresh_from_db()
        assert tracker.state == to
        return
    with pytest.raises(errors.WrongDeviceStateError, match=tracker.mac):
        STEPS[to](tracker_ids=[tracker.pk], now=NOW)


@pytest.mark.parametrize("to", [State.RETURNED, State.LOST, State.RETIRED])
def test_taken_device_leaves_its_order_and_its_run(shipped, to):
    first, second, _ = devices(shipped)
    STEPS[to](tracker_ids=[first], now=NOW + HOUR, reason="broken")
    assert shipped.allocations.get(tracker=first).released_at == NOW + HOUR
    assert shipped.allocations.get(tracker=second).released_at is None
    assert Assignment.objects.get(tracker=first).period.upper == NOW + HOUR
    assert Assignment.objects.get(tracker=second).period.upper is None
    shipped.refresh_from_db()
    assert shipped.state == Order.State.SHIPPED
    assert Tracker.objects.get(pk=first).audit.latest("pgh_id").pgh_context["reason"] == "broken"


def queued():
    return set(FetchState.objects.queued().values_list("tracker_id", flat=True))


@pytest.mark.parametrize("to", [State.RETURNED, State.LOST, State.RETIRED])
def test_shipping_starts_fetching_and_what_takes_a_device_away_stops_it(queue, shipped, to):
    queueing.sync_queue(now=NOW + HOUR)
    assert queued() == set(devices(shipped))
    first, *others = devices(shipped)
    STEPS[to](tracker_ids=[first], now=NOW + 2 * HOUR)
    outcome = queueing.sync_queue(now=NOW + 2 * HOUR)
    assert (outcome.removed, queued()) == (1, set(others))


def test_end_of_the_run_stops_fetching_and_extending_it_resumes(queue, shipped):
    shipped.run.end_date = NOW.date()
    shipped.run.save()
    queueing.sync_queue(now=NOW)
    assert queued() == set(devices(shipped))
    tomorrow = NOW + timedelta(days=1)
    queueing.sync_queue(now=tomorrow)
    assert queued() == set()
    shipped.run.end_date = tomorrow.date()
    shipped.run.save()
    queueing.sync_queue(now=tomorrow)
    assert queued() == set(devices(shipped))


def test_allocated_but_not_shipped_devices_are_not_fetched(queue):
    KeyPairFactory(tracker=TrackerFactory())
    allocating.allocate_devices(order=OrderFactory(quantity=1), now=NOW)
    queueing.sync_queue(now=NOW + HOUR)
    assert queued() == set()


def test_order_that_loses_a_device_before_shipping_waits_for_another():
    TrackerFactory.create_batch(2)
    order = OrderFactory(quantity=2)
    allocating.allocate_devices(order=order, now=NOW)
    releasing.report_lost(tracker_ids=devices(order)[:1], now=NOW + HOUR)
    order.refresh_from_db()
    assert (order.state, order.allocations.open().count()) == (Order.State.PLACED, 1)
    assert order.transitions.latest("pk").reason == "A device is lost."
    spare = TrackerFactory()
    allocating.allocate_devices(order=order, now=NOW + 2 * HOUR)
    order.refresh_from_db()
    assert order.state == Order.State.ALLOCATED
    assert order.allocations.open().filter(tracker=spare).exists()


def test_device_taken_from_its_order_is_in_stock_again():
    TrackerFactory()
    order = OrderFactory(quantity=1)
    allocating.allocate_devices(order=order, now=NOW)
    releasing.restock_devices(tracker_ids=devices(order), now=NOW + HOUR)
    order.refresh_from_db()
    assert order.state == Order.State.PLACED
    assert Tracker.objects.get().state == State.IN_STOCK
    assert not Assignment.objects.in_force_at(NOW + HOUR).exists()


def test_what_is_planned_for_later_does_not_keep_a_device_from_its_next_order():
    tracker = AssignmentFactory(tracker__state=State.RETURNED, start=NOW + 24 * HOUR).tracker
    AssignmentFactory(tracker=tracker, start=NOW - HOUR, end=NOW + 2 * HOUR)
    releasing.restock_devices(tracker_ids=[tracker.pk], now=NOW)
    order = OrderFactory(quantity=1, run=RunFactory())
    allocating.allocate_devices(order=order, now=NOW + HOUR)
    tracker.refresh_from_db()
    assert tracker.latest_assignment.run == order.run


def test_one_unfit_device_leaves_all_as_they_are(shipped):
    retired = TrackerFactory(state=State.RETIRED)
    with pytest.raises(errors.WrongDeviceStateError):
        releasing.return_devices(tracker_ids=[*devices(shipped), retired.pk], now=NOW + HOUR)
    assert shipped.allocations.open().count() == 3


def test_unknown_device_is_refused():
    with pytest.raises(locking.UnknownTrackerError):
        releasing.report_lost(tracker_ids=[0], now=NOW)
