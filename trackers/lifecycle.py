"""The lifecycle states of a tracker and the steps between them, said once: the database's trigger, the services and the
admin's buttons go by this table, and a test compares docs/orders.md with it."""

from typing import NamedTuple

from django.db import models


class LifecycleState(models.TextChoices):
    IN_STOCK = "IN_STOCK", "In stock"
    ALLOCATED = "ALLOCATED", "Allocated"
    ACTIVE = "ACTIVE", "Active"
    RETURNED = "RETURNED", "Returned"
    RETIRED = "RETIRED", "Retired"
    LOST = "LOST", "Lost"


class TrackerStep(NamedTuple):
    """What may be done with a tracker in one of the states `comes_from`; once it is done, it `becomes` that."""

    comes_from: tuple[LifecycleState, ...]
    becomes: LifecycleState


ALLOCATE = TrackerStep((LifecycleState.IN_STOCK,), LifecycleState.ALLOCATED)
SHIP = TrackerStep((LifecycleState.ALLOCATED,), LifecycleState.ACTIVE)
# A device that was lost may turn up.
TAKE_BACK = TrackerStep((LifecycleState.ACTIVE, LifecycleState.LOST), LifecycleState.RETURNED)
# Taken from an order that has not been shipped, or checked after its return.
RESTOCK = TrackerStep((LifecycleState.ALLOCATED, LifecycleState.RETURNED), LifecycleState.IN_STOCK)
REPORT_LOST = TrackerStep(
    (LifecycleState.IN_STOCK, LifecycleState.ALLOCATED, LifecycleState.ACTIVE, LifecycleState.RETURNED),
    LifecycleState.LOST,
)
RETIRE = TrackerStep(
    (
        LifecycleState.IN_STOCK,
        LifecycleState.ALLOCATED,
        LifecycleState.ACTIVE,
        LifecycleState.RETURNED,
        LifecycleState.LOST,
    ),
    LifecycleState.RETIRED,
)

STEPS = (ALLOCATE, SHIP, TAKE_BACK, RESTOCK, REPORT_LOST, RETIRE)

# From, to: all changes of state that there are.
TRANSITIONS = [(before.value, step.becomes.value) for step in STEPS for before in step.comes_from]
