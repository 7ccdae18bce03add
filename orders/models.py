"""Orders of clients, what happened to them, and the devices allocated to them."""

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Count, F, Q
from django.utils import timezone

from clients.models import Client, ProductionRun
from foundation.audit import audited
from foundation.tenancy import TenantQuerySet
from orders.lifecycle import TRANSITIONS, OrderState
from trackers.models import Tracker

# All of an order's devices are allocated, shipped and released in one transaction each.
MAX_DEVICES = 20_000


class OrderQuerySet(TenantQuerySet["Order"]):
    client_path = "client"

    def with_allocated(self) -> "OrderQuerySet":
        """With `allocated`, the number of devices that each has at present."""
        return self.annotate(allocated=Count("allocations", filter=Q(allocations__released_at=None)))


@audited()
class Order(models.Model):
    """A number of trackers for a production run. A trigger (migration 0002) ensures that the run is the client's own,
    another one that its state changes only as `orders.lifecycle` says."""

    State = OrderState

    client = models.ForeignKey(Client, on_delete=models.PROTECT, related_name="orders")
    run = models.ForeignKey(ProductionRun, on_delete=models.PROTECT, related_name="orders")
    quantity = models.PositiveIntegerField()
    reference = models.CharField(
        max_length=100,
        blank=True,
        help_text="The client's own, say a purchase order; each once, except for cancelled orders.",
    )
    wanted_by = models.DateField(null=True, blank=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.DRAFT, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
    )
    placed_at = models.DateTimeField(null=True, blank=True, editable=False)
    shipped_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = OrderQuerySet.as_manager()

    class Meta:
        indexes = [
            # What waits for devices: the start page sums it up.
            models.Index(fields=["id"], condition=Q(state="PLACED"), name="order_placed"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(quantity__gte=1), name="order_quantity_at_least_1"),
            models.CheckConstraint(
                condition=Q(quantity__lte=MAX_DEVICES), name="order_quantity_at_most_20000"
            ),
            # A request that is sent again finds the order that it placed.
            models.UniqueConstraint(
                fields=["client", "reference"],
                condition=~Q(reference="") & ~Q(state="CANCELLED"),
                name="order_reference_once_per_client",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["DRAFT", "CANCELLED"]) | Q(placed_at__isnull=False),
                name="order_placed_at_once_placed",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["SHIPPED", "FULFILLED"]) | Q(shipped_at__isnull=False),
                name="order_shipped_at_once_shipped",
            ),
        ]
        triggers = [
            pgtrigger.FSM(name="order_state_goes_its_way", field="state", transitions=TRANSITIONS),
        ]

    def __str__(self) -> str:
        return self.reference or f"Order {self.pk}"


class OrderTransitionQuerySet(TenantQuerySet["OrderTransition"]):
    client_path = "order__client"


class OrderTransition(models.Model):
    """A change of an order's state: who made it, when and why. `from_state` is empty where the order was made."""

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="transitions")
    from_state = models.CharField(max_length=10, choices=Order.State.choices, blank=True)
    to_state = models.CharField(max_length=10, choices=Order.State.choices)
    at = models.DateTimeField()
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    reason = models.CharField(max_length=500, blank=True)

    objects = OrderTransitionQuerySet.as_manager()

    class Meta:
        triggers = [
            pgtrigger.ReadOnly(
                name="transition_is_not_rewritten",
                fields=["order", "from_state", "to_state", "at", "reason"],
            ),
            pgtrigger.Protect(name="transition_is_not_deleted", operation=pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return f"{self.order}: {self.get_to_state_display().lower()}"


class DeviceAllocationQuerySet(TenantQuerySet["DeviceAllocation"]):
    client_path = "order__client"

    def open(self) -> "DeviceAllocationQuerySet":
        """Those whose device has not been released."""
        return self.filter(released_at=None)


@audited()
class DeviceAllocation(models.Model):
    """A tracker that belongs to an order until it is released. A trigger (migration 0005) ensures that an order has
    no more of them open than its quantity."""

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="allocations")
    tracker = models.ForeignKey(Tracker, on_delete=models.PROTECT, related_name="allocations")
    allocated_at = models.DateTimeField()
    allocated_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        db_index=False,
        related_name="+",
    )
    released_at = models.DateTimeField(null=True, blank=True)

    objects = DeviceAllocationQuerySet.as_manager()

    class Meta:
        indexes = [
            # An order's devices, page by page and counted.
            models.Index(
                fields=["order", "id"], condition=Q(released_at=None), name="allocation_open_of_order"
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["tracker"],
                condition=Q(released_at=None),
                name="allocation_one_open_per_tracker",
            ),
            models.CheckConstraint(
                condition=Q(released_at=None) | Q(released_at__gte=F("allocated_at")),
                name="allocation_released_after_allocated",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.tracker} for {self.order}"
