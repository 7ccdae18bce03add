"""What placed orders still lack: devices of other orders, and those that were released, don't count for them."""

import pytest

from orders import selectors
from orders.models import Order
from tests.factories import NOW, AllocationFactory, OrderFactory

pytestmark = pytest.mark.django_db


def test_demand_is_what_placed_orders_lack() -> None:
    placed = OrderFactory(quantity=5)
    AllocationFactory(order=placed)
    AllocationFactory(order=placed, released_at=NOW)
    AllocationFactory(order=OrderFactory(quantity=1, state=Order.State.SHIPPED, shipped_at=NOW))
    OrderFactory(quantity=7, state=Order.State.DRAFT, placed_at=None)
    demand = selectors.demand()
    assert (demand.orders, demand.lacking) == (1, 4)


def test_without_placed_orders_nothing_is_lacking() -> None:
    assert (selectors.demand().orders, selectors.demand().lacking) == (0, 0)
