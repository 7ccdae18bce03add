"""The states of an order and the steps between them, said once: the database's trigger, the services, the admin's
buttons and the API go by this table, and a test compares docs/orders.md with it."""

from typing import NamedTuple

from django.db import models


class OrderState(models.TextChoices):
    DRAFT = "DRAFT", "Draft"
    PLACED = "PLACED", "Placed"
    ALLOCATED = "ALLOCATED", "Allocated"
    SHIPPED = "SHIPPED", "Shipped"
    FULFILLED = "FULFILLED", "Fulfilled"
    CANCELLED = "CANCELLED", "Cancelled"


class OrderStep(NamedTuple):
    """What may be done with an order in one of the states `comes_from`; once it is done, the order `becomes` that."""

    comes_from: tuple[OrderState, ...]
    becomes: OrderState


REVISE = OrderStep((OrderState.DRAFT,), OrderState.DRAFT)
PLACE = OrderStep((OrderState.DRAFT,), OrderState.PLACED)
# These two complete an order; until it has all its devices it stays placed.
ALLOCATE = OrderStep((OrderState.PLACED,), OrderState.ALLOCATED)
REDUCE = OrderStep((OrderState.PLACED,), OrderState.ALLOCATED)
# A device is taken away before the order is shipped: it waits for another one.
LOSE_DEVICE = OrderStep((OrderState.ALLOCATED,), OrderState.PLACED)
SHIP = OrderStep((OrderState.ALLOCATED,), OrderState.SHIPPED)
FULFIL = OrderStep((OrderState.SHIPPED,), OrderState.FULFILLED)
CANCEL = OrderStep((OrderState.DRAFT, OrderState.PLACED, OrderState.ALLOCATED), OrderState.CANCELLED)
# An order that is allocated in full is about to be shipped: clients ask ops.
CANCEL_BY_CLIENT = OrderStep((OrderState.DRAFT, OrderState.PLACED), OrderState.CANCELLED)

STEPS = (REVISE, PLACE, ALLOCATE, REDUCE, LOSE_DEVICE, SHIP, FULFIL, CANCEL, CANCEL_BY_CLIENT)

# From, to: all changes of state that there are.
TRANSITIONS = [
    (before.value, after.value)
    for before in OrderState
    for after in OrderState
    if before != after and any(before in step.comes_from and step.becomes == after for step in STEPS)
]
