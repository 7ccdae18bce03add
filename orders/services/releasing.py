"""Takes devices from their orders: by cancelling, return, loss and retirement.

Whatever takes a device away ends its allocation and its assignment at that moment: the client sees what happened until
then, nothing of what happens later, and within a minute nothing is fetched any more.
"""

from collections.abc import Collection
from datetime import datetime

import structlog
from django.db import transaction

from clients.models import User
from foundation import audit
from orders import lifecycle
from orders.errors import ChangedMeanwhileError, WrongDeviceStateError
from orders.lifecycle import OrderState
from orders.models import DeviceAllocation, Order
from orders.services import states
from trackers.lifecycle import REPORT_LOST, RESTOCK, RETIRE, TAKE_BACK, LifecycleState, TrackerStep
from trackers.models import Tracker
from trackers.services import assigning, locking

log = structlog.get_logger(__name__)


def cancel_order(
    *,
    order: Order,
    now: datetime,
    allowed: Collection[OrderState] = lifecycle.CANCEL.comes_from,
    actor: User | None = None,
    reason: str = "",
) -> Order:
    """Cancel an order in one of the `allowed` states; its devices go back into the stock.

    Returns the order as it is now. Raises WrongOrderStateError.
    """
    with transaction.atomic(), audit.acting(actor, reason=reason):
        order = states.lock_order(order, *allowed)
        tracker_ids = list(order.allocations.open().values_list("tracker_id", flat=True))
        locking.lock_trackers(tracker_ids)
        _release(tracker_ids, RESTOCK.becomes, now)
        states.move_orders([order], lifecycle.CANCEL.becomes, now=now, actor=actor, reason=reason)
    log.info("order_cancelled", order=order.pk, devices=len(tracker_ids))
    return order


def return_devices(
    *, tracker_ids: Collection[int], now: datetime, actor: User | None = None, reason: str = ""
) -> None:
    """ACTIVE or LOST devices are back; `restock_devices` makes them available again. Raises WrongDeviceStateError."""
    _take_away(tracker_ids, TAKE_BACK, now, actor, reason)


def report_lost(
    *, tracker_ids: Collection[int], now: datetime, actor: User | None = None, reason: str = ""
) -> None:
    """Nobody knows where the devices are. Raises WrongDeviceStateError for those lost or retired already."""
    _take_away(tracker_ids, REPORT_LOST, now, actor, reason)


def retire_devices(
    *, tracker_ids: Collection[int], now: datetime, actor: User | None = None, reason: str = ""
) -> None:
    """The devices are out of use for good. Raises WrongDeviceStateError for those retired already."""
    _take_away(tracker_ids, RETIRE, now, actor, reason)


def restock_devices(
    *, tracker_ids: Collection[int], now: datetime, actor: User | None = None, reason: str = ""
) -> None:
    """Make devices available for orders again: RETURNED ones, or ALLOCATED ones that are taken from their order
    before it is shipped. Raises WrongDeviceStateError."""
    _take_away(tracker_ids, RESTOCK, now, actor, reason)


def _take_away(
    tracker_ids: Collection[int], step: TrackerStep, now: datetime, actor: User | None, reason: str
) -> None:
    """An order that was fully allocated and loses one of its devices is PLACED again."""
    with transaction.atomic(), audit.acting(actor, reason=reason):
        open_ = DeviceAllocation.objects.open().filter(tracker__in=tracker_ids)
        affected = Order.objects.filter(pk__in=open_.values("order")).order_by("pk")
        orders = list(affected.select_for_update(no_key=True))
        locking.lock_trackers(tracker_ids)
        _refuse_other_states(tracker_ids, step)
        if open_.exclude(order__in=orders).exists():
            raise ChangedMeanwhileError(
                "One of the devices was allocated just now: reload the page and try again."
            )
        _release(tracker_ids, step.becomes, now)
        complete = [order for order in orders if order.state in lifecycle.LOSE_DEVICE.comes_from]
        why = reason or f"A device is {step.becomes.label.lower()}."
        states.move_orders(complete, lifecycle.LOSE_DEVICE.becomes, now=now, actor=actor, reason=why)
    log.info("devices_taken_away", devices=len(tracker_ids), to=step.becomes.value)


def _refuse_other_states(tracker_ids: Collection[int], step: TrackerStep) -> None:
    others = Tracker.objects.filter(pk__in=tracker_ids).exclude(state__in=step.comes_from)
    if macs := list(others.values_list("mac", flat=True)):
        allowed = " or ".join(state.label.lower() for state in step.comes_from)
        raise WrongDeviceStateError(
            f"Only what is {allowed} can become {step.becomes.label.lower()}; not", macs
        )


def _release(tracker_ids: Collection[int], to: LifecycleState, now: datetime) -> None:
    """End allocations and assignments of locked trackers."""
    DeviceAllocation.objects.open().filter(tracker__in=tracker_ids).update(released_at=now)
    assigning.end_all(tracker_ids=tracker_ids, at=now, now=now, state=to)
