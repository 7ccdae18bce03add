"""Reads of an order's devices: a page of them, and under which assignments they were its own."""

from datetime import timedelta

import pytest

from orders import selectors
from orders.models import Order
from tests.factories import NOW, AllocationFactory, AssignmentFactory, OrderFactory, RunFactory
from trackers.models import Assignment

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture
def order() -> Order:
    return OrderFactory(quantity=51)


def pages_of(order: Order) -> list[list[int]]:
    pages, after = [], 0
    while after is not None:
        page, after = selectors.devices_page(order, after)
        pages.append([allocation.pk for allocation in page])
    return pages


@pytest.mark.parametrize(
    ("devices", "sizes"), [(0, [0]), (1, [1]), (3, [3]), (4, [3, 1]), (6, [3, 3]), (7, [3, 3, 1])]
)
def test_devices_come_by_pages_each_once_in_order(order, devices, sizes, monkeypatch):
    monkeypatch.setattr(selectors, "DEVICES_PER_PAGE", 3)
    ids = [AllocationFactory(order=order).pk for _ in range(devices)]
    AllocationFactory(order=order, released_at=NOW)
    AllocationFactory()
    pages = pages_of(order)
    assert [len(page) for page in pages] == sizes
    assert [pk for page in pages for pk in page] == ids


def test_a_page_has_fifty_devices(order):
    AllocationFactory.create_batch(51, order=order)
    assert [len(page) for page in pages_of(order)] == [50, 1]


def own(order: Order) -> set[int]:
    return {row.pk for row in selectors.assignments_of(order, Assignment.objects.all())}


@pytest.mark.parametrize(
    ("begins", "ends", "is_own"),
    [
        (0, None, True),
        (-5, 1, True),
        (-5, 0, False),
        (2, 3, True),
        (3, None, True),
        (4, None, False),
    ],
)
def test_an_assignment_is_the_orders_own_if_the_device_was_allocated_at_some_time_of_it(
    order, begins, ends, is_own
):
    """Allocated from the day of NOW to the third after it."""
    end = None if ends is None else NOW + ends * DAY
    assignment = AssignmentFactory(run=order.run, start=NOW + begins * DAY, end=end)
    AllocationFactory(order=order, tracker=assignment.tracker, allocated_at=NOW, released_at=NOW + 3 * DAY)
    assert own(order) == ({assignment.pk} if is_own else set())


def test_assignments_to_another_run_or_of_another_orders_device_are_not_its_own(order):
    elsewhere = AssignmentFactory(run=RunFactory(brand=order.run.brand), start=NOW)
    AllocationFactory(order=order, tracker=elsewhere.tracker, allocated_at=NOW)
    others = AssignmentFactory(run=order.run, start=NOW)
    AllocationFactory(order=OrderFactory(run=order.run), tracker=others.tracker, allocated_at=NOW)
    assert own(order) == set()


def test_only_assignments_that_were_asked_for_are_found(order):
    assignment = AssignmentFactory(run=order.run, start=NOW)
    AllocationFactory(order=order, tracker=assignment.tracker, allocated_at=NOW)
    assert list(selectors.assignments_of(order, Assignment.objects.exclude(pk=assignment.pk))) == []


@pytest.mark.parametrize("state", [Order.State.DRAFT, Order.State.PLACED, Order.State.CANCELLED])
def test_a_cancelled_order_goes_by_its_id_alone(state):
    order = OrderFactory(reference="PO-7", state=state)
    assert selectors.order_called(str(order.pk)) == order
    if state == Order.State.CANCELLED:
        with pytest.raises(selectors.UnknownOrderError):
            selectors.order_called("PO-7")
    else:
        assert selectors.order_called("PO-7") == order
