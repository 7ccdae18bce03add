"""Sends allocated orders, and closes them when all has arrived."""

from datetime import datetime

import structlog
from django.db import transaction

from clients.models import User
from foundation import audit
from orders import lifecycle
from orders.models import Order
from orders.services import states
from trackers.services import assigning

log = structlog.get_logger(__name__)


def ship_order(*, order: Order, now: datetime, actor: User | None = None) -> Order:
    """Send an ALLOCATED order: its trackers become ACTIVE, and their reports are fetched while the run lasts.

    Returns the order as it is now. Raises WrongOrderStateError.
    """
    with transaction.atomic(), audit.acting(actor):
        order = states.lock_order(order, *lifecycle.SHIP.comes_from)
        tracker_ids = list(order.allocations.open().values_list("tracker_id", flat=True))
        assigning.activate(tracker_ids=tracker_ids, now=now)
        states.move_orders([order], lifecycle.SHIP.becomes, now=now, actor=actor, shipped_at=now)
    log.info("order_shipped", order=order.pk, devices=len(tracker_ids))
    return order


def fulfil_order(*, order: Order, now: datetime, actor: User | None = None, reason: str = "") -> Order:
    """Close a SHIPPED order: nobody waits for it any more. Its devices go on as they are.

    Ops decide when, since a device may be lost on the way or return. Raises WrongOrderStateError.
    """
    with transaction.atomic(), audit.acting(actor):
        order = states.lock_order(order, *lifecycle.FULFIL.comes_from)
        states.move_orders([order], lifecycle.FULFIL.becomes, now=now, actor=actor, reason=reason)
    log.info("order_fulfilled", order=order.pk)
    return order
