"""Storage and delivery locations, drawn on a map. `ops` adds what trackers did there."""

from collections.abc import Sequence
from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from unfold.contrib.filters.admin import AutocompleteSelectFilter

from clients.admin.clients import acting_user
from foundation.admin import display
from foundation.admin.base import ReadOnlyAdmin, badge_column
from foundation.admin.served import ServedAdmin, Values
from locations.admin.addresses import AddressedAdmin
from locations.admin.checking import CheckedFenceAdmin
from locations.admin.forms import LocationForm
from locations.models import DeliveryLocation, Location, StorageLocation
from locations.pages import fences
from locations.services import locations

_NAMED_RUNS = 2


class LocationAdmin(AddressedAdmin, CheckedFenceAdmin, ServedAdmin):
    form = LocationForm
    compressed_fields = False
    kind: Location.Kind
    list_display: ClassVar[Sequence[str]] = ("name", "run_names", "fence_shape", "activity", "address")
    list_filter = (("runs", AutocompleteSelectFilter), ("runs__brand__client", AutocompleteSelectFilter))
    sortable_by = ("name",)
    search_fields = ("name", "address")
    autocomplete_fields = ("runs",)
    change_form_before_template = "admin/locations/fence.html"
    fieldsets = (
        ("Fence", {"fields": (("lat", "lon", "radius_m"),)}),
        (None, {"fields": ("name", "address", "runs", "active_from", "active_until", "free_time_h")}),
        ("Area", {"fields": ("area",), "classes": ("collapse",)}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Location]:
        rows = super().get_queryset(request).filter(kind=self.kind)
        return rows.defer("fence").prefetch_related("runs")

    @admin.display(description="runs")
    def run_names(self, location: Location) -> str:
        names = sorted(run.name for run in location.runs.all())
        named = ", ".join(names[:_NAMED_RUNS])
        more = len(names) - _NAMED_RUNS
        return (f"{named} and {more} more" if more > 0 else named) or "none: nothing arrives here"

    @admin.display(description="fence")
    def fence_shape(self, location: Location) -> str:
        return "area" if location.area else f"{location.radius_m:g} m"

    @admin.display(description="active")
    def activity(self, location: Location) -> Any:
        now = timezone.now()
        if location.active_until and location.active_until <= now:
            return display.badge("ENDED", f"ended {location.active_until:%Y-%m-%d}")
        if location.active_from and location.active_from > now:
            return display.badge("LATER", f"from {location.active_from:%Y-%m-%d}")
        until = f"until {location.active_until:%Y-%m-%d}" if location.active_until else "active"
        return display.badge("ACTIVE", until)

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        location = self.get_object(request, object_id) if object_id else None
        context = (extra_context or {}) | self.map_context(request, location)
        return super().changeform_view(request, object_id, form_url, context)

    def map_context(self, request: HttpRequest, location: Location | None) -> dict[str, Any]:
        """What the map above the form shows beside the fence itself."""
        others = fences.features(fences.others_near(location))
        check_url = self.check_url(location.pk if location else None)
        return {"others": others, "address_search": self.address_search(request), "check_url": check_url}

    def add_row(self, request: HttpRequest, values: Values) -> Model:
        return locations.add_location(actor=acting_user(request), kind=self.kind, **values)

    def change_row(self, request: HttpRequest, row: Location, values: Values) -> Model:
        return locations.change_location(location=row, actor=acting_user(request), **values)

    def delete_row(self, request: HttpRequest, row: Location) -> None:
        locations.delete_location(location=row, actor=acting_user(request))


@admin.register(StorageLocation)
class StorageLocationAdmin(LocationAdmin):
    kind = Location.Kind.STORAGE
    empty_hint = "Add the warehouses and depots: draw a fence, and link it to the runs that use it."


@admin.register(DeliveryLocation)
class DeliveryLocationAdmin(LocationAdmin):
    kind = Location.Kind.DELIVERY
    empty_hint = "Add where shipments are delivered: draw a fence, and link it to the runs that go there."


@admin.register(Location)
class AllLocationsAdmin(ReadOnlyAdmin):
    """For lookups by name from other pages; staff work with the two kinds."""

    list_display = ("name", "kind_badge", "address")
    search_fields = ("name", "address")
    fields = ("name", "kind", "address", "radius_m", "runs", "active_from", "active_until")
    kind_badge = badge_column("kind", "kind")

    def has_module_permission(self, request: HttpRequest) -> bool:
        return False
