import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection

from foundation.errors import DomainError
from orders import errors
from orders.models import DeviceAllocation, Order
from orders.services import allocating, placing, shipping
from tests.factories import (
    NOW,
    AllocationFactory,
    AssignmentFactory,
    ClientFactory,
    OrderFactory,
    RunFactory,
    StaffFactory,
    TrackerFactory,
)
from trackers.models import Assignment, GeoStatus, Tracker
from trackers.services import assigning

HOUR = timedelta(hours=1)


@pytest.fixture
def run(db):
    return RunFactory()


@pytest.fixture
def stock(db):
    return TrackerFactory.create_batch(5)


def place(run, quantity=3, **fields):
    return placing.place_order(client=run.brand.client, run=run, quantity=quantity, now=NOW, **fields)


def states(trackers):
    return [Tracker.objects.get(pk=tracker.pk).state for tracker in trackers]


def allocated(allocations):
    return [allocation.tracker_id for allocation in allocations]


def keys(trackers):
    return [tracker.pk for tracker in trackers]


def test_placed_order_records_what_was_asked_for(run):
    actor = StaffFactory()
    order = place(run, quantity=7, reference="PO-1", wanted_by=NOW.date(), actor=actor)
    order.refresh_from_db()
    assert (order.client, order.run, order.quantity) == (run.brand.client, run, 7)
    assert (order.reference, order.wanted_by, order.created_by) == ("PO-1", NOW.date(), actor)
    assert (order.state, order.placed_at) == (Order.State.PLACED, NOW)


def test_order_for_another_clients_run_is_refused(run):
    with pytest.raises(errors.RunOfAnotherClientError):
        placing.place_order(client=ClientFactory(), run=run, quantity=1, now=NOW)
    assert not Order.objects.exists()


def test_order_for_another_clients_run_is_refused_by_the_database(run):
    with pytest.raises(IntegrityError, match="is not of client"):
        OrderFactory(run=run, client=ClientFactory())


def test_order_can_not_be_moved_to_another_clients_run(run):
    order = OrderFactory(run=run)
    with pytest.raises(IntegrityError, match="is not of client"):
        Order.objects.filter(pk=order.pk).update(run=RunFactory())


@pytest.mark.parametrize("quantity", [0, -1])
def test_empty_order_is_refused(run, quantity):
    with pytest.raises(errors.InvalidQuantityError):
        place(run, quantity=quantity)


def test_order_for_a_run_that_has_ended_is_refused_from_the_day_after(db):
    run = RunFactory(end_date=NOW.date())
    place(run)
    with pytest.raises(errors.RunHasEndedError):
        placing.place_order(client=run.brand.client, run=run, quantity=1, now=NOW + timedelta(days=1))


def test_allocation_takes_the_oldest_in_stock(run, stock):
    Tracker.objects.filter(pk=stock[0].pk).update(state=Tracker.State.RETIRED)
    order = place(run, quantity=3)
    allocations = allocating.allocate_devices(order=order, now=NOW)
    assert allocated(allocations) == keys(stock[1:4])
    assert states(stock) == ["RETIRED", "ALLOCATED", "ALLOCATED", "ALLOCATED", "IN_STOCK"]
    order.refresh_from_db()
    assert order.state == Order.State.ALLOCATED


def test_allocation_opens_assignments_to_the_orders_run_from_the_start_given(run, stock):
    order = place(run, quantity=2)
    allocating.allocate_devices(order=order, start=NOW - HOUR, now=NOW)
    assignments = Assignment.objects.order_by("tracker")
    assert [(it.tracker_id, it.run_id, it.period.lower, it.period.upper) for it in assignments] == [
        (tracker.pk, run.pk, NOW - HOUR, None) for tracker in stock[:2]
    ]


def test_named_devices_are_allocated_in_any_notation_of_case(run, stock):
    order = place(run, quantity=2)
    macs = [f" {stock[4].mac.lower()} ", stock[1].mac]
    allocations = allocating.allocate_devices(order=order, macs=macs, now=NOW)
    assert allocated(allocations) == [stock[1].pk, stock[4].pk]


def test_short_stock_is_allocated_in_part_and_completed_later(run, stock):
    order = place(run, quantity=7)
    allocating.allocate_devices(order=order, now=NOW)
    order.refresh_from_db()
    assert (order.state, order.allocations.open().count()) == (Order.State.PLACED, 5)
    TrackerFactory.create_batch(3)
    allocating.allocate_devices(order=order, now=NOW)
    order.refresh_from_db()
    assert (order.state, order.allocations.open().count()) == (Order.State.ALLOCATED, 7)


def test_all_or_nothing_leaves_a_short_stock_alone(run, stock):
    order = place(run, quantity=6)
    with pytest.raises(errors.StockTooLowError, match="5 of 6"):
        allocating.allocate_devices(order=order, all_or_nothing=True, now=NOW)
    assert set(states(stock)) == {"IN_STOCK"}


def test_empty_stock_is_said(run):
    with pytest.raises(errors.StockTooLowError):
        allocating.allocate_devices(order=place(run), now=NOW)


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"quantity": 4}, errors.InvalidQuantityError),
        ({"quantity": 0}, errors.InvalidQuantityError),
        ({"macs": []}, errors.InvalidQuantityError),
        ({"macs": ["C0:FF:EE:00:00:00"]}, errors.UnknownDevicesError),
        ({"quantity": 0, "macs": ["C0:FF:EE:00:00:00"]}, errors.InvalidQuantityError),
    ],
    ids=["too many", "none", "no MACs", "unknown MAC", "more named than wanted"],
)
def test_impossible_allocations_change_nothing(run, stock, fields, error):
    order = place(run, quantity=3)
    with pytest.raises(error):
        allocating.allocate_devices(order=order, now=NOW, **fields)
    assert set(states(stock)) == {"IN_STOCK"}
    assert not DeviceAllocation.objects.exists()


def test_devices_are_named_by_serial_too(run, stock):
    order = place(run, quantity=2)
    names = [stock[3].serial.lower(), f"\u200e{stock[2].mac}\u00a0"]
    allocations = allocating.allocate_devices(order=order, macs=names, now=NOW)
    assert [allocation.tracker_id for allocation in allocations] == [stock[2].pk, stock[3].pk]


def test_device_named_by_its_mac_and_by_its_serial_is_named_twice(run, stock):
    with pytest.raises(errors.InvalidMacsError, match="twice"):
        allocating.allocate_devices(order=place(run), macs=[stock[0].mac, stock[0].serial], now=NOW)


def test_mac_that_is_the_serial_of_another_tracker_is_ambiguous(run, stock):
    digits = stock[0].mac.replace(":", "")
    TrackerFactory(serial=digits)
    with pytest.raises(errors.AmbiguousDevicesError, match=stock[0].mac):
        allocating.allocate_devices(order=place(run), macs=[digits], now=NOW)


def test_a_mac_given_twice_is_refused(run, stock):
    with pytest.raises(errors.InvalidMacsError, match="twice"):
        allocating.allocate_devices(order=place(run), macs=[stock[0].mac, stock[0].mac.lower()], now=NOW)


def test_named_devices_must_all_be_in_stock(run, stock):
    Tracker.objects.filter(pk=stock[1].pk).update(state=Tracker.State.LOST)
    with pytest.raises(errors.NotInStockError, match=stock[1].mac):
        allocating.allocate_devices(order=place(run), macs=[it.mac for it in stock[:2]], now=NOW)
    assert not DeviceAllocation.objects.exists()


def test_device_in_stock_that_is_still_in_a_run_stops_the_allocation(run):
    tracker = AssignmentFactory(tracker__state=Tracker.State.IN_STOCK).tracker
    with pytest.raises(assigning.AssignmentOverlapError, match=tracker.mac):
        allocating.allocate_devices(order=place(run), now=NOW)
    assert not DeviceAllocation.objects.exists()
    assert states([tracker]) == ["IN_STOCK"]


def test_only_placed_orders_are_allocated(run, stock):
    order = place(run, quantity=1)
    allocating.allocate_devices(order=order, now=NOW)
    with pytest.raises(errors.WrongOrderStateError):
        allocating.allocate_devices(order=order, now=NOW)


def test_shipping_activates_the_orders_devices(run, stock):
    order = place(run, quantity=2)
    allocating.allocate_devices(order=order, now=NOW)
    shipped = shipping.ship_order(order=order, now=NOW + HOUR)
    assert (shipped.state, shipped.shipped_at) == (Order.State.SHIPPED, NOW + HOUR)
    assert states(stock) == ["ACTIVE", "ACTIVE", "IN_STOCK", "IN_STOCK", "IN_STOCK"]
    assert Tracker.objects.get(pk=stock[0].pk).status == GeoStatus.CREATED


@pytest.mark.parametrize("state", [Order.State.PLACED, Order.State.CANCELLED])
def test_only_allocated_orders_are_shipped(run, state):
    order = OrderFactory(run=run, state=state)
    with pytest.raises(errors.WrongOrderStateError):
        shipping.ship_order(order=order, now=NOW)


def test_tracker_has_one_open_allocation(db):
    allocation = AllocationFactory()
    AllocationFactory(released_at=NOW)
    with pytest.raises(IntegrityError, match="allocation_one_open_per_tracker"):
        AllocationFactory(tracker=allocation.tracker)


def test_released_device_can_be_allocated_again(db):
    allocation = AllocationFactory(released_at=NOW)
    AllocationFactory(tracker=allocation.tracker)


def test_allocating_takes_the_same_number_of_queries_for_any_number(run, django_assert_max_num_queries):
    Tracker.objects.bulk_create(TrackerFactory.build_batch(60))
    order = place(run, quantity=60)
    with django_assert_max_num_queries(30):
        allocating.allocate_devices(order=order, now=NOW)


def test_errors_carry_their_code_and_say_what_is_wrong(run):
    with pytest.raises(DomainError) as raised:
        allocating.allocate_devices(
            order=OrderFactory(run=run, state=Order.State.SHIPPED, shipped_at=NOW), now=NOW
        )
    assert raised.value.code == "wrong_order_state"
    assert "is shipped; this needs one that is placed" in raised.value.message


def at_once(calls):
    """Run the calls in threads that begin together, each on a connection of its own; errors come as values."""
    barrier = threading.Barrier(len(calls))

    def in_thread(call):
        try:
            barrier.wait()
            return call()
        except DomainError as error:
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(in_thread, calls))


@pytest.mark.django_db(transaction=True)
def test_no_tracker_is_allocated_twice_however_many_allocate_at_once():
    Tracker.objects.bulk_create(TrackerFactory.build_batch(100))
    orders = [place(RunFactory(), quantity=15) for _ in range(8)]
    results = at_once(
        [lambda order=order: allocating.allocate_devices(order=order, now=NOW) for order in orders]
    )
    given = [tracker_id for result in results if isinstance(result, list) for tracker_id in allocated(result)]
    assert len(given) == len(set(given)) == 100
    assert DeviceAllocation.objects.open().count() == 100
    assert Assignment.objects.count() == 100
    assert not Tracker.objects.exclude(state=Tracker.State.ALLOCATED).exists()


@pytest.mark.django_db(transaction=True)
def test_devices_named_by_two_orders_at_once_go_to_one_of_them():
    trackers = TrackerFactory.create_batch(20)
    macs = [tracker.mac for tracker in trackers]
    orders = [place(RunFactory(), quantity=20) for _ in range(4)]
    results = at_once(
        [
            lambda order=order, macs=macs[::step]: allocating.allocate_devices(
                order=order, macs=macs, now=NOW
            )
            for order, step in zip(orders, (1, -1, 1, -1), strict=True)
        ]
    )
    assert sorted(type(result).__name__ for result in results) == ["NotInStockError"] * 3 + ["list"]
    assert DeviceAllocation.objects.open().count() == 20


@pytest.mark.django_db(transaction=True)
def test_one_order_allocated_twice_at_once_gets_its_quantity_once():
    TrackerFactory.create_batch(10)
    order = place(RunFactory(), quantity=4)
    results = at_once([lambda: allocating.allocate_devices(order=order, now=NOW)] * 3)
    assert sorted(type(result).__name__ for result in results) == [
        "WrongOrderStateError",
        "WrongOrderStateError",
        "list",
    ]
    assert order.allocations.count() == 4
