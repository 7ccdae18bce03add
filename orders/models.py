"""Orders of clients, and the devices allocated to them."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from clients.audit import audited
from clients.models import Client, ProductionRun
from clients.tenancy import TenantQuerySet
from trackers.models import Tracker


class OrderQuerySet(TenantQuerySet["Order"]):
    client_path = "client"


@audited()
class Order(models.Model):
    """So many trackers for a production run. A trigger (migration 0002) ensures that the run is the client's own."""

    class State(models.TextChoices):
        DRAFT = "DRAFT", "Draft"
        PLACED = "PLACED", "Placed"
        ALLOCATED = "ALLOCATED", "Allocated"
        SHIPPED = "SHIPPED", "Shipped"
        FULFILLED = "FULFILLED", "Fulfilled"
        CANCELLED = "CANCELLED", "Cancelled"

    client = models.ForeignKey(Client, on_delete=models.PROTECT, related_name="orders")
    run = models.ForeignKey(ProductionRun, on_delete=models.PROTECT, related_name="orders")
    quantity = models.PositiveIntegerField()
    reference = models.CharField(max_length=100, blank=True, help_text="The client's own.")
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
        constraints = [
            models.CheckConstraint(condition=Q(quantity__gte=1), name="order_quantity_at_least_1"),
            models.CheckConstraint(
                condition=Q(state__in=["DRAFT", "CANCELLED"]) | Q(placed_at__isnull=False),
                name="order_placed_at_once_placed",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["SHIPPED", "FULFILLED"]) | Q(shipped_at__isnull=False),
                name="order_shipped_at_once_shipped",
            ),
        ]

    def __str__(self) -> str:
        return self.reference or f"Order {self.pk}"


class DeviceAllocationQuerySet(TenantQuerySet["DeviceAllocation"]):
    client_path = "order__client"

    def open(self) -> "DeviceAllocationQuerySet":
        """Those whose device has not been released."""
        return self.filter(released_at=None)


@audited()
class DeviceAllocation(models.Model):
    """A tracker that belongs to an order until it is released."""

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="allocations")
    tracker = models.ForeignKey(Tracker, on_delete=models.PROTECT, related_name="allocations")
    allocated_at = models.DateTimeField()
    released_at = models.DateTimeField(null=True, blank=True)

    objects = DeviceAllocationQuerySet.as_manager()

    class Meta:
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
