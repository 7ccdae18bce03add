"""Each move of an order is a fact for its client, in the transaction of the move."""

import pytest
from django.db import transaction

from orders.models import Order, OrderTransition
from orders.services import placing, releasing, states
from outbox.models import Fact
from tests.factories import NOW, OrderFactory, RunFactory, StaffFactory

pytestmark = pytest.mark.django_db


def told():
    facts = Fact.objects.order_by("id")
    return [(fact.type, fact.subject, fact.client_id, fact.data["from"], fact.data["to"]) for fact in facts]


def test_moves_are_told_to_the_order_s_client_from_the_beginning():
    run, actor = RunFactory(), StaffFactory()
    order = placing.draft_order(run=run, quantity=3, reference="PO-1", wanted_by=None, actor=actor, now=NOW)
    order = placing.place_draft(order=order, now=NOW, actor=actor)
    releasing.cancel_order(order=order, now=NOW, actor=actor, reason="secret")
    subject, client_id = f"order/{order.pk}", run.brand.client_id
    assert told() == [
        ("order.moved", subject, client_id, None, "DRAFT"),
        ("order.moved", subject, client_id, "DRAFT", "PLACED"),
        ("order.moved", subject, client_id, "PLACED", "CANCELLED"),
    ]
    assert list(Fact.objects.order_by("id").values_list("sequence", flat=True)) == [1, 2, 3]
    last = Fact.objects.latest("id")
    assert (last.occurred_at, last.recorded_at) == (NOW, NOW)
    assert last.data == {
        "order": order.pk,
        "run": run.pk,
        "reference": "PO-1",
        "from": "PLACED",
        "to": "CANCELLED",
    }


def test_several_orders_move_at_once(django_assert_max_num_queries):
    orders = [OrderFactory(state=Order.State.PLACED, placed_at=NOW) for _ in range(5)]
    with transaction.atomic(), django_assert_max_num_queries(4):
        states.move_orders(orders, Order.State.ALLOCATED, now=NOW, actor=None)
    assert [move[1] for move in told()] == [f"order/{order.pk}" for order in orders]


def test_move_that_is_rolled_back_tells_nothing():
    order = OrderFactory(state=Order.State.PLACED, placed_at=NOW)
    with transaction.atomic():
        states.move_orders([order], Order.State.ALLOCATED, now=NOW, actor=None)
        transaction.set_rollback(True)
    assert told() == []
    assert not OrderTransition.objects.exists()
