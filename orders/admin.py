"""Orders and their devices, to look at; services move them."""

from typing import Any

from django.contrib import admin
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest
from unfold.contrib.filters.admin import AutocompleteSelectFilter, ChoicesDropdownFilter

from clients.admin.base import ReadOnlyAdmin, ago_column, badge_column
from orders.models import DeviceAllocation, Order
from trackers.admin.history import TrackerRowsAdmin


@admin.register(Order)
class OrderAdmin(ReadOnlyAdmin):
    empty_hint = "Orders of clients for trackers in a production run are listed here."
    list_display = ("number", "client", "run", "state_badge", "devices", "wanted_by", "placed")
    list_filter = (("state", ChoicesDropdownFilter), ("client", AutocompleteSelectFilter))
    search_fields = ("reference", "client__name")
    sortable_by = ()
    fields = (
        "client",
        "run",
        "reference",
        "state",
        "devices",
        "wanted_by",
        "created_at",
        "created_by",
        "placed_at",
        "shipped_at",
    )

    state_badge = badge_column("state", "state")
    placed = ago_column("placed_at", "placed")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Order]:
        open_ = Count("allocations", filter=Q(allocations__released_at=None))
        return (
            super()
            .get_queryset(request)
            .select_related("client", "run__brand__client", "created_by")
            .annotate(allocated=open_)
        )

    @admin.display(description="order")
    def number(self, order: Order) -> str:
        return str(order)

    @admin.display(description="devices allocated")
    def devices(self, order: Any) -> str:
        return f"{order.allocated:,} of {order.quantity:,}"


@admin.register(DeviceAllocation)
class DeviceAllocationAdmin(TrackerRowsAdmin):
    empty_hint = "Trackers are allocated to placed orders, oldest stock first."
    list_display = ("tracker", "order", "client", "allocated_at", "released_at")
    list_filter = (("order__client", AutocompleteSelectFilter),)
    sortable_by = ()
    fields = ("order", "tracker", "allocated_at", "released_at")

    def get_queryset(self, request: HttpRequest) -> QuerySet[DeviceAllocation]:
        return super().get_queryset(request).select_related("tracker", "order__client")

    @admin.display(description="client")
    def client(self, allocation: DeviceAllocation) -> str:
        return str(allocation.order.client)
