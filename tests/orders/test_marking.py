"""Whatever changes what is told of an order marks it as changed, for the clients concerned and no others."""

import pytest

from clients.models import Client, ProductionRun
from orders.models import Order
from orders.services import allocating, placing, releasing
from tests.factories import NOW, AllocationFactory, OrderFactory, RunFactory, TrackerFactory
from tests.outbox.marks import marked_by
from trackers.models import Tracker

pytestmark = pytest.mark.django_db


def marks(work):
    return marked_by("order", work)


def test_order_is_placed_gets_its_devices_loses_one_and_is_cancelled():
    run = RunFactory()
    client = run.brand.client
    TrackerFactory.create_batch(3, state=Tracker.State.IN_STOCK)
    OrderFactory(run=run)
    made = []

    def place():
        made.append(placing.place_order(client=client, run=run, quantity=2, now=NOW))

    told = marks(place)
    order = made[0]
    assert told == {(order.pk, client.pk)}
    assert marks(lambda: allocating.allocate_devices(order=order, quantity=1, now=NOW)) == told
    device = order.allocations.get().tracker_id
    assert marks(lambda: releasing.restock_devices(tracker_ids=[device], now=NOW)) == told
    assert marks(lambda: releasing.cancel_order(order=order, now=NOW)) == told


def test_draft_that_goes_to_another_client_is_told_to_both():
    order, other_run = OrderFactory(state=Order.State.DRAFT, placed_at=None), RunFactory()
    first = order.client_id

    def revise():
        placing.revise_draft(order=order, run=other_run, quantity=1, reference="", wanted_by=None, now=NOW)

    assert marks(revise) == {(order.pk, first), (order.pk, other_run.brand.client_id)}


def test_allocation_that_is_deleted_and_order_that_is_deleted():
    allocation = AllocationFactory()
    order = allocation.order
    told = {(order.pk, order.client_id)}
    pk = order.pk
    assert marks(allocation.delete) == told
    assert marks(order.delete) == {(pk, order.client_id)}


def test_names_that_an_order_shows():
    order, _ = OrderFactory(), OrderFactory()
    told = {(order.pk, order.client_id)}
    assert marks(lambda: ProductionRun.objects.filter(pk=order.run_id).update(name="Another")) == told
    assert marks(lambda: Client.objects.filter(pk=order.client_id).update(name="Another")) == told
