"""Allocations, to look at."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.contrib.filters.admin import AutocompleteSelectFilter, ChoicesDropdownFilter

from foundation.admin.base import ReadOnlyAdmin, badge_column
from orders.models import DeviceAllocation, OrderTransition
from trackers.admin.history import TrackerRowsAdmin


@admin.register(DeviceAllocation)
class DeviceAllocationAdmin(TrackerRowsAdmin):
    empty_hint = "Trackers are allocated to placed orders, oldest stock first."
    list_display = ("tracker", "order", "client", "allocated_at", "allocated_by", "released_at")
    list_filter = (("order__client", AutocompleteSelectFilter),)
    sortable_by = ()
    fields = ("order", "tracker", "allocated_at", "allocated_by", "released_at")

    def get_queryset(self, request: HttpRequest) -> QuerySet[DeviceAllocation]:
        return super().get_queryset(request).select_related("tracker", "order__client", "allocated_by")

    @admin.display(description="client")
    def client(self, allocation: DeviceAllocation) -> str:
        return str(allocation.order.client)


@admin.register(OrderTransition)
class OrderTransitionAdmin(ReadOnlyAdmin):
    empty_hint = "Every change of an order's state is recorded here, with who made it and why."
    list_display = ("order", "from_badge", "to_badge", "at", "actor", "reason")
    list_filter = (("to_state", ChoicesDropdownFilter), ("order__client", AutocompleteSelectFilter))
    list_select_related = ("order", "actor")
    search_fields = ("order__reference",)
    sortable_by = ()
    fields = ("order", "from_state", "to_state", "at", "actor", "reason")

    from_badge = badge_column("from_state", "from")
    to_badge = badge_column("to_state", "to")
