"""From draft to fulfilled: what may follow what, who did it, and what the database refuses."""

from datetime import timedelta

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from clients.models import Brand, ProductionRun
from orders import errors
from orders.lifecycle import TRANSITIONS
from orders.models import MAX_DEVICES, Order, OrderTransition
from orders.services import allocating, placing, releasing, shipping
from tests.factories import (
    NOW,
    AllocationFactory,
    AssignmentFactory,
    BrandFactory,
    ClientFactory,
    OrderFactory,
    RunFactory,
    StaffFactory,
    TrackerFactory,
)
from trackers.models import Assignment, Tracker

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)
STATES = [state.value for state in Order.State]


def in_state(state, **fields):
    moments = {"placed_at": NOW, "shipped_at": NOW}
    return OrderFactory(state=state, **(moments | fields))


def recorded(order):
    rows = order.transitions.order_by("pk")
    return [(row.from_state, row.to_state, row.at, row.actor, row.reason) for row in rows]


def test_placed_order_is_reduced_but_not_below_what_it_has():
    TrackerFactory.create_batch(2)
    order, actor = in_state("PLACED", quantity=5), StaffFactory()
    allocating.allocate_devices(order=order, now=NOW)
    for quantity in (0, 1, 5, 6):
        with pytest.raises(errors.InvalidQuantityError):
            placing.reduce_order(order=order, quantity=quantity, now=NOW)
    assert (
        placing.reduce_order(order=order, quantity=3, now=NOW, actor=actor, reason="fewer").state == "PLACED"
    )
    change = order.audit.latest("pgh_id")
    assert (change.quantity, change.pgh_context) == (3, {"user": actor.pk, "reason": "fewer"})
    assert placing.reduce_order(order=order, quantity=2, now=NOW).state == "ALLOCATED"
    with pytest.raises(errors.WrongOrderStateError):
        placing.reduce_order(order=order, quantity=1, now=NOW)


def test_quantity_below_the_allocations_is_refused_by_the_database():
    TrackerFactory.create_batch(2)
    order = in_state("PLACED", quantity=2)
    allocating.allocate_devices(order=order, now=NOW)
    with pytest.raises(IntegrityError, match="has more devices than 1"), transaction.atomic():
        Order.objects.filter(pk=order.pk).update(quantity=1)


def test_whole_way_is_recorded_with_who_when_and_why():
    actor, run = StaffFactory(), RunFactory()
    TrackerFactory.create_batch(2)
    order = placing.draft_order(run=run, quantity=2, now=NOW, actor=actor)
    placing.place_draft(order=order, now=NOW + HOUR, actor=actor)
    allocating.allocate_devices(order=order, now=NOW + 2 * HOUR, actor=actor)
    shipping.ship_order(order=order, now=NOW + 3 * HOUR, actor=actor)
    shipping.fulfil_order(order=order, now=NOW + 4 * HOUR, actor=actor, reason="all arrived")
    assert recorded(order) == [
        ("", "DRAFT", NOW, actor, ""),
        ("DRAFT", "PLACED", NOW + HOUR, actor, ""),
        ("PLACED", "ALLOCATED", NOW + 2 * HOUR, actor, ""),
        ("ALLOCATED", "SHIPPED", NOW + 3 * HOUR, actor, ""),
        ("SHIPPED", "FULFILLED", NOW + 4 * HOUR, actor, "all arrived"),
    ]
    order.refresh_from_db()
    assert (order.placed_at, order.shipped_at) == (NOW + HOUR, NOW + 3 * HOUR)
    assert order.audit.latest("pgh_id").pgh_context["user"] == actor.pk


@pytest.mark.parametrize(("before", "after"), [(a, b) for a in STATES for b in STATES if a != b])
def test_database_takes_the_transitions_that_there_are_and_no_other(before, after):
    order = in_state(before)
    if (before, after) in TRANSITIONS:
        assert Order.objects.filter(pk=order.pk).update(state=after) == 1
        return
    with pytest.raises(DatabaseError, match="Invalid transition"), transaction.atomic():
        Order.objects.filter(pk=order.pk).update(state=after)


@pytest.mark.parametrize("state", [s for s in STATES if (s, "CANCELLED") not in TRANSITIONS])
def test_what_was_shipped_or_cancelled_is_not_cancelled(state):
    with pytest.raises(errors.WrongOrderStateError):
        releasing.cancel_order(order=in_state(state), now=NOW)


@pytest.mark.parametrize("state", [s for s in STATES if s != "DRAFT"])
def test_only_drafts_are_placed(state):
    with pytest.raises(errors.WrongOrderStateError):
        placing.place_draft(order=in_state(state), now=NOW)


@pytest.mark.parametrize("state", [s for s in STATES if s != "SHIPPED"])
def test_only_shipped_orders_are_fulfilled(state):
    with pytest.raises(errors.WrongOrderStateError):
        shipping.fulfil_order(order=in_state(state), now=NOW)


def test_transitions_are_neither_rewritten_nor_deleted():
    order = placing.draft_order(run=RunFactory(), quantity=1, now=NOW)
    for change in (lambda rows: rows.update(to_state="SHIPPED"), lambda rows: rows.delete()):
        with pytest.raises(DatabaseError), transaction.atomic():
            change(OrderTransition.objects.filter(order=order))


def test_draft_of_a_run_that_ended_meanwhile_is_not_placed():
    run = RunFactory(end_date=NOW.date())
    order = placing.draft_order(run=run, quantity=1, now=NOW)
    with pytest.raises(errors.RunHasEndedError):
        placing.place_draft(order=order, now=NOW + timedelta(days=1))


def test_order_of_a_run_that_ended_meanwhile_is_not_allocated():
    TrackerFactory()
    order = OrderFactory(run=RunFactory(end_date=NOW.date()), quantity=1)
    with pytest.raises(errors.RunHasEndedError):
        allocating.allocate_devices(order=order, now=NOW + timedelta(days=1))


def test_orders_have_a_largest_size_also_for_the_database():
    run = RunFactory()
    with pytest.raises(errors.InvalidQuantityError):
        placing.draft_order(run=run, quantity=MAX_DEVICES + 1, now=NOW)
    with pytest.raises(IntegrityError, match="order_quantity_at_most_20000"):
        OrderFactory(run=run, quantity=MAX_DEVICES + 1)


def test_reference_is_taken_once_unless_its_order_is_cancelled():
    run = RunFactory()
    order = placing.draft_order(run=run, quantity=1, now=NOW, reference="PO-1")
    with pytest.raises(errors.ReferenceTakenError, match="PO-1"):
        placing.draft_order(run=run, quantity=2, now=NOW, reference="PO-1")
    releasing.cancel_order(order=order, now=NOW)
    placing.draft_order(run=run, quantity=2, now=NOW, reference="PO-1")
    placing.draft_order(run=RunFactory(), quantity=2, now=NOW, reference="PO-1")


def test_same_order_sent_again_is_the_same_order():
    fields = {"run": RunFactory(), "quantity": 3, "reference": "PO-7", "wanted_by": None, "actor": None}
    order, new = placing.place_once(**fields, now=NOW)
    again, new_again = placing.place_once(**fields, now=NOW + HOUR)
    assert (order, new, new_again) == (again, True, False)
    with pytest.raises(errors.ReferenceTakenError):
        placing.place_once(**(fields | {"quantity": 4}), now=NOW)


def test_database_refuses_more_devices_than_were_ordered():
    allocation = AllocationFactory(order__quantity=1)
    with pytest.raises(IntegrityError, match="than were ordered"):
        AllocationFactory(order=allocation.order)


@pytest.mark.parametrize("taken_by", [OrderFactory, AssignmentFactory])
def test_what_a_client_did_is_not_moved_to_another_with_its_brand_or_run(taken_by):
    run = RunFactory()
    taken_by(run=run)
    for move in (
        lambda: Brand.objects.filter(pk=run.brand_id).update(client=ClientFactory()),
        lambda: ProductionRun.objects.filter(pk=run.pk).update(brand=BrandFactory()),
    ):
        with pytest.raises(IntegrityError, match="stays with its client"), transaction.atomic():
            move()
    ProductionRun.objects.filter(pk=run.pk).update(brand=BrandFactory(client=run.brand.client))


def test_brand_without_orders_and_trackers_may_move():
    run, client = RunFactory(), ClientFactory()
    Brand.objects.filter(pk=run.brand_id).update(client=client)
    assert Brand.objects.get(pk=run.brand_id).client == client


def test_cancelling_brings_everything_back_into_the_stock():
    trackers = TrackerFactory.create_batch(3)
    order = OrderFactory(quantity=5)
    allocating.allocate_devices(order=order, now=NOW)
    actor = StaffFactory()
    releasing.cancel_order(order=order, now=NOW + HOUR, actor=actor, reason="changed their mind")
    order.refresh_from_db()
    assert order.state == Order.State.CANCELLED
    assert not order.allocations.open().exists()
    assert [it.period.upper for it in Assignment.objects.all()] == [NOW + HOUR] * 3
    assert set(Tracker.objects.values_list("state", flat=True)) == {"IN_STOCK"}
    assert recorded(order)[-1] == ("PLACED", "CANCELLED", NOW + HOUR, actor, "changed their mind")
    kept = trackers[0].audit.latest("pgh_id")
    assert (kept.state, kept.pgh_context["reason"]) == ("IN_STOCK", "changed their mind")
    allocating.allocate_devices(order=OrderFactory(quantity=3), now=NOW + 2 * HOUR)


def test_cancelling_at_the_moment_of_allocation_leaves_no_open_assignment():
    TrackerFactory()
    order = OrderFactory(quantity=1)
    allocating.allocate_devices(order=order, now=NOW)
    releasing.cancel_order(order=order, now=NOW)
    assert not Assignment.objects.in_force_at(NOW + HOUR).exists()


def test_cancelling_takes_the_same_number_of_queries_for_any_number(django_assert_max_num_queries):
    Tracker.objects.bulk_create(TrackerFactory.build_batch(60))
    order = OrderFactory(quantity=60)
    allocating.allocate_devices(order=order, now=NOW)
    with django_assert_max_num_queries(30):
        releasing.cancel_order(order=order, now=NOW + HOUR)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM trackers_trackeraudit WHERE state = 'IN_STOCK' AND pgh_label = 'update'"
        )
        assert cursor.fetchone() == (60,)
