"""Storage and delivery locations, drawn on a map. A changed fence replays the trackers concerned."""

from datetime import datetime
from typing import Any

from django.contrib import admin
from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from unfold.contrib.filters.admin import AutocompleteSelectFilter

from clients.models import User
from foundation.admin import display
from foundation.admin.base import ReadOnlyAdmin, badge_column
from locations.models import DeliveryLocation, Location, StorageLocation
from ops.admin.addresses import AddressedAdmin
from ops.admin.analytics import AnalyticsAdmin, Subject
from ops.admin.fences import LocationForm
from ops.admin.previews import PreviewedAdmin
from ops.admin.tuning import TunedAdmin
from trackers.admin import page, selectors
from trackers.models import Alert, Assignment, RecomputationJob, Tracker
from trackers.services.recomputation import queueing

_NAMED_RUNS = 2


class LocationAdmin(AnalyticsAdmin, TunedAdmin, AddressedAdmin, PreviewedAdmin):
    form = LocationForm
    compressed_fields = False
    kind: Location.Kind
    list_display = ("name", "run_names", "fence_shape", "activity", "trackers_here", "address")
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
        here = Tracker.objects.filter(location=OuterRef("pk")).order_by().values("location")
        counted = here.annotate(number=Count("pk")).values("number")
        return (
            super()
            .get_queryset(request)
            .filter(kind=self.kind)
            .defer("fence")
            .prefetch_related("runs")
            .annotate(here=Coalesce(Subquery(counted), 0))
        )

    def subject(self, request: HttpRequest, row: Location) -> Subject:
        mine = Alert.objects.visible_to(request.user).filter(location=row)
        return Subject(Assignment.objects.visible_to(request.user), mine, location_id=row.pk)

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

    @admin.display(description="trackers now")
    def trackers_here(self, location: Any) -> int:
        return location.here

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        location = self.get_object(request, object_id) if object_id else None
        others = page.fence_features(selectors.other_fences(location))
        context = {
            **(extra_context or {}),
            "others": others,
            "address_search": self.address_search(request),
        }
        if location and not location.area:
            context["tune_url"] = self.tune_url(location.pk)
        return super().changeform_view(request, object_id, form_url, context)

    def save_model(self, request: HttpRequest, obj: Location, form: Any, change: Any) -> None:
        obj.kind = self.kind
        super().save_model(request, obj, form, change)

    def remember(self, pk: int) -> Any:
        return queueing.fence_of(pk)

    def queue_recomputation(
        self, pk: int, before: Any, actor: User, now: datetime
    ) -> RecomputationJob | None:
        return queueing.queue_fence(location_id=pk, before=before, actor=actor, now=now)


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
    """For lookups by name from other pages; ops work with the two kinds."""

    list_display = ("name", "kind_badge", "address")
    search_fields = ("name", "address")
    fields = ("name", "kind", "address", "radius_m", "runs", "active_from", "active_until")
    kind_badge = badge_column("kind", "kind")

    def has_module_permission(self, request: HttpRequest) -> bool:
        return False
