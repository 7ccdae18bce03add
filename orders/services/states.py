"""The states of orders: locked, checked, changed, recorded and published in one place.

The rule for locks: orders first, in the order of their ids, then their trackers (`trackers.services.locking`).
"""

from collections.abc import Sequence
from datetime import datetime

from clients.models import User
from orders.errors import WrongOrderStateError
from orders.lifecycle import OrderState
from orders.models import Order, OrderTransition
from outbox import services as outbox
from outbox.facts import FactType, NewFact


def lock_order(order: Order, *required: OrderState) -> Order:
    """Lock the order until the transaction ends and return it as it is now, with run and client.

    Raises WrongOrderStateError if it is in none of the `required` states.
    """
    locked = (
        Order.objects.select_for_update(of=("self",), no_key=True)
        .select_related("run", "client")
        .get(pk=order.pk)
    )
    if locked.state not in required:
        wanted = " or ".join(state.label.lower() for state in required)
        raise WrongOrderStateError(
            f"{locked} is {locked.get_state_display().lower()}; this needs one that is {wanted}."
        )
    return locked


def move_orders(
    orders: Sequence[Order],
    to: OrderState,
    *,
    now: datetime,
    actor: User | None,
    reason: str = "",
    **columns: object,
) -> None:
    """Bring locked orders into a state that may follow theirs, set `columns` with it, record and publish it."""
    ids = [order.pk for order in orders]
    Order.objects.filter(pk__in=ids).update(state=to, **columns)
    OrderTransition.objects.bulk_create(
        OrderTransition(order=order, from_state=order.state, to_state=to, at=now, actor=actor, reason=reason)
        for order in orders
    )
    outbox.publish_all([_moved(order, order.state, to, now) for order in orders], now=now)
    for order in orders:
        order.state = to
        for name, value in columns.items():
            setattr(order, name, value)


def record_beginning(order: Order, *, now: datetime, actor: User | None) -> None:
    """Record and publish the state that an order was made in."""
    OrderTransition.objects.create(order=order, to_state=order.state, at=now, actor=actor)
    outbox.publish_all([_moved(order, None, order.state, now)], now=now)


def _moved(order: Order, from_state: str | None, to_state: str, now: datetime) -> NewFact:
    """from_state: None where the order was made. Reasons and actors stay with ops."""
    return NewFact(
        type=FactType.ORDER_MOVED,
        subject_id=order.pk,
        client_id=order.client_id,
        occurred_at=now,
        data={
            "order": order.pk,
            "run": order.run_id,
            "reference": order.reference,
            "from": str(from_state) if from_state else None,
            "to": str(to_state),
        },
    )
