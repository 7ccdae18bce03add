"""Orders: drafted by a form, then moved by steps, each of which says what will happen and to how many."""

from datetime import datetime
from typing import Any, ClassVar, cast

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from unfold.contrib.filters.admin import AutocompleteSelectFilter, ChoicesDropdownFilter

from clients.models import User
from foundation.admin.addresses import whole_number
from foundation.admin.base import ago_column, badge_column
from foundation.admin.progress import Progress
from foundation.admin.steps import StepsAdmin
from orders import lifecycle, selectors
from orders.admin.forms import OrderForm
from orders.admin.steps import STEPS
from orders.models import Order
from orders.services import placing

MAX_TRANSITIONS = 50


@admin.register(Order)
class OrderAdmin(StepsAdmin):
    empty_hint = "Draft an order for a production run and place it, or let the client place it over the API."
    page_parameters: ClassVar = {"change": (whole_number("devices_after"),)}
    list_display = ("number", "client", "run", "state_badge", "devices", "wanted_by", "placed")
    list_filter = (("state", ChoicesDropdownFilter), ("client", AutocompleteSelectFilter))
    search_fields = ("reference", "client__name")
    sortable_by = ()
    form = OrderForm
    autocomplete_fields = ("run",)
    steps = STEPS
    step_columns = ("number", "client", "run", "state_badge", "devices")
    change_form_outer_before_template = "admin/orders/order/overview.html"
    change_form_outer_after_template = "admin/orders/order/devices.html"

    state_badge = badge_column("state", "state")
    placed = ago_column("placed_at", "placed")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Order]:
        rows = super().get_queryset(request).select_related("client", "run__brand__client", "created_by")
        return cast(Any, rows).with_allocated()

    @admin.display(description="order")
    def number(self, order: Order) -> str:
        return str(order)

    @admin.display(description="devices allocated")
    def devices(self, order: Any) -> str:
        return f"{order.allocated:,} of {order.quantity:,}"

    def has_delete_permission(self, request: HttpRequest, obj: Order | None = None) -> bool:
        return False

    def get_fields(self, request: HttpRequest, obj: Order | None = None) -> Any:
        drafted = ("run", "quantity", "reference", "wanted_by")
        return drafted if obj is None else (*drafted, "created_at", "created_by", "placed_at", "shipped_at")

    def has_change_permission(self, request: HttpRequest, obj: Order | None = None) -> bool:
        """Only a draft can be edited; steps do the rest."""
        editable = obj is None or obj.state in lifecycle.REVISE.comes_from
        return editable and super().has_change_permission(request, obj)

    def get_readonly_fields(self, request: HttpRequest, obj: Order | None = None) -> Any:
        return ("created_at", "created_by", "placed_at", "shipped_at")

    def save_model(self, request: HttpRequest, obj: Order, form: forms.ModelForm, change: Any) -> None:
        values = {name: form.cleaned_data[name] for name in OrderForm.Meta.fields}
        actor, now = cast(User, request.user), timezone.now()
        if not change:
            made = placing.draft_order(**values, actor=actor, now=now)
            obj.pk = made.pk
            obj.refresh_from_db()
        else:
            placing.revise_draft(order=obj, **values, actor=actor, now=now)

    def row_context(self, request: HttpRequest, row: Order) -> dict[str, Any]:
        after = request.GET.get("devices_after", "")
        return super().row_context(request, row) | _page_context(row, after, timezone.now())


def _page_context(order: Any, after: str, now: datetime) -> dict[str, Any]:
    page, following = selectors.devices_page(
        order, int(after) if after.isdecimal() and len(after) < 19 else 0
    )
    text = f"{order.allocated:,} of {order.quantity:,} devices allocated"
    return {
        "order": order,
        "now": now,
        "allocated": Progress(min(order.allocated, order.quantity), order.quantity, text, running=False),
        "standing": selectors.device_counts(order),
        "page": page,
        "following": following,
        "paged": bool(after),
        "transitions": order.transitions.select_related("actor").order_by("-at", "-pk")[:MAX_TRANSITIONS],
    }
