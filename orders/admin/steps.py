"""What ops do with orders."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from clients.models import User
from foundation.admin.steps import Rows, Step
from foundation.errors import DomainError
from foundation.wording import counted
from orders import lifecycle, selectors
from orders.admin.forms import AllocationForm, ReasonForm, ReductionForm
from orders.lifecycle import OrderState
from orders.models import MAX_DEVICES, Order
from orders.services import allocating, placing, releasing, shipping

State = Order.State


class NoneDoneError(DomainError):
    code = "none_done"


class OneAtATimeError(DomainError):
    code = "one_at_a_time"


def _each(rows: Rows, work: Callable[[Order], Any], done: str) -> str:
    """Do it to each order. Those that refuse are named; if none could be done, it is an error."""
    refusals = []
    for order in rows:
        try:
            work(order)
        except DomainError as error:
            refusals.append(error.message)
    if len(refusals) == len(rows):
        raise NoneDoneError(" ".join(refusals))
    return " ".join([f"{counted(len(rows) - len(refusals), 'order')} {done}.", *refusals])


def _devices(rows: Rows) -> str:
    return counted(sum(order.allocated for order in rows), "device")


def _only(rows: Rows, otherwise: str) -> Any:
    """The single order; raises OneAtATimeError, which says `otherwise`, if there are more."""
    if len(rows) > 1:
        raise OneAtATimeError(otherwise)
    return rows[0]


def _place(rows: Rows, values: dict[str, Any], actor: User, now: datetime) -> str:
    return _each(rows, lambda order: placing.place_draft(order=order, now=now, actor=actor), "placed")


def _allocate(rows: Rows, values: dict[str, Any], actor: User, now: datetime) -> str:
    order = _only(rows, "Allocate one order at a time: each has devices of its own.")
    given = allocating.allocate_devices(
        order=order,
        quantity=values["quantity"],
        macs=values.get("named"),
        all_or_nothing=values["all_or_nothing"],
        actor=actor,
        now=now,
    )
    has = order.allocated + len(given)
    lacking = order.quantity - has
    return f"{counted(len(given), 'device')} allocated: {order} has {has:,} of {order.quantity:,}" + (
        f", {lacking:,} are still needed." if lacking else "."
    )


def _reduce(rows: Rows, values: dict[str, Any], actor: User, now: datetime) -> str:
    order = _only(rows, "Reduce one order at a time.")
    reduced = placing.reduce_order(order=order, **values, actor=actor, now=now)
    return f"{reduced} is for {counted(reduced.quantity, 'device')} now." + (
        " It has them all." if reduced.state == State.ALLOCATED else ""
    )


def _ship(rows: Rows, values: dict[str, Any], actor: User, now: datetime) -> str:
    return _each(rows, lambda order: shipping.ship_order(order=order, now=now, actor=actor), "shipped")


def _fulfil(rows: Rows, values: dict[str, Any], actor: User, now: datetime) -> str:
    reason = values["reason"]
    return _each(
        rows,
        lambda order: shipping.fulfil_order(order=order, now=now, actor=actor, reason=reason),
        "fulfilled",
    )


def _cancel(rows: Rows, values: dict[str, Any], actor: User, now: datetime) -> str:
    reason = values["reason"]
    return _each(
        rows,
        lambda order: releasing.cancel_order(order=order, now=now, actor=actor, reason=reason),
        "cancelled",
    )


def _explain_placing(rows: Rows) -> str:
    wanted = sum(order.quantity for order in rows)
    return f"{counted(wanted, 'device')} will be needed; the stock has {selectors.stock():,}. Then it can't be edited."


def _explain_allocating(rows: Rows) -> str:
    lacking = sum(order.quantity - order.allocated for order in rows)
    return (
        f"{counted(lacking, 'device')} lacking; the stock has {selectors.stock():,}. They leave the stock and belong to"
        f" {rows[0].run}, so the client sees them. Nothing is fetched before the order is shipped."
    )


def _explain_reducing(rows: Rows) -> str:
    order = rows[0]
    return (
        f"{order} wants {counted(order.quantity, 'device')} and has {order.allocated:,}. Reduce it if the rest is no"
        " longer needed or can't be had; the order can be shipped once it has all its devices."
    )


def _explain_shipping(rows: Rows) -> str:
    ends = ", ".join(sorted({f"until {order.run.end_date}" for order in rows}))
    return (
        f"{_devices(rows)} will be active: within a minute their reports are fetched, for as long as the run lasts"
        f" ({ends}). A shipped order can't be cancelled."
    )


def _explain_fulfilling(rows: Rows) -> str:
    counts = [selectors.device_counts(order) for order in rows]
    delivered = sum(count["delivered"] for count in counts)
    return (
        f"{delivered:,} of {_devices(rows)} are at a delivery location now. The order is closed; its devices stay with"
        " the client and go on being fetched while the run lasts."
    )


def _explain_cancelling(rows: Rows) -> str:
    return (
        f"{_devices(rows)} will go back into the stock, and the client sees nothing of what happens to them later."
        " A cancelled order stays cancelled; its reference may be used again."
    )


def _in(*states: OrderState) -> Callable[[Order], bool]:
    return lambda order: order.state in states


def _present(rows: Rows) -> dict[str, Any]:
    return {"quantity": rows[0].allocated or None}


def _lacking(rows: Rows) -> dict[str, Any]:
    return {"quantity": min(rows[0].quantity - rows[0].allocated, MAX_DEVICES) or None}


STEPS = (
    Step(
        name="place",
        title="Place",
        button="Place",
        icon="shopping_cart_checkout",
        explain=_explain_placing,
        perform=_place,
        offered=_in(*lifecycle.PLACE.comes_from),
    ),
    Step(
        name="allocate",
        title="Allocate devices",
        button="Allocate",
        icon="inventory_2",
        explain=_explain_allocating,
        perform=_allocate,
        form_class=AllocationForm,
        initial=_lacking,
        offered=_in(*lifecycle.ALLOCATE.comes_from),
    ),
    Step(
        name="reduce",
        title="Reduce",
        button="Reduce the order",
        icon="remove_shopping_cart",
        explain=_explain_reducing,
        perform=_reduce,
        form_class=ReductionForm,
        initial=_present,
        offered=_in(*lifecycle.REDUCE.comes_from),
    ),
    Step(
        name="ship",
        title="Ship",
        button="Ship",
        icon="local_shipping",
        explain=_explain_shipping,
        perform=_ship,
        offered=_in(*lifecycle.SHIP.comes_from),
    ),
    Step(
        name="fulfil",
        title="Fulfil",
        button="Fulfil",
        icon="task_alt",
        explain=_explain_fulfilling,
        perform=_fulfil,
        form_class=ReasonForm,
        offered=_in(*lifecycle.FULFIL.comes_from),
    ),
    Step(
        name="cancel",
        title="Cancel",
        button="Cancel the order",
        icon="cancel",
        explain=_explain_cancelling,
        perform=_cancel,
        form_class=ReasonForm,
        offered=_in(*lifecycle.CANCEL.comes_from),
        dangerous=True,
    ),
)
