"""Locations with what trackers did there: how many there are, analytics, tuning, and the histories that a changed fence
changes."""

from typing import Any

from django.contrib import admin
from django.db.models import Count, Model, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.utils import timezone

from clients.admin.clients import acting_user
from foundation.admin.served import Values
from locations.admin.locations import DeliveryLocationAdmin, LocationAdmin, StorageLocationAdmin
from locations.models import DeliveryLocation, Location, StorageLocation
from locations.services import locations as stored_locations
from ops.admin.analytics import AnalyticsAdmin
from ops.admin.composing import composed
from ops.admin.previews import PreviewedAdmin
from ops.admin.tuning import TunedAdmin
from trackers.models import Tracker
from trackers.pages import analytics
from trackers.pages.analytics import Subject
from trackers.services.changes import locations
from trackers.services.changes.previewing import Tried


class ComposedLocationAdmin(AnalyticsAdmin, TunedAdmin, PreviewedAdmin, LocationAdmin):
    list_display = ("name", "run_names", "fence_shape", "activity", "trackers_here", "address")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Location]:
        here = Tracker.objects.filter(location=OuterRef("pk")).order_by().values("location")
        counted = here.annotate(number=Count("pk")).values("number")
        return super().get_queryset(request).annotate(here=Coalesce(Subquery(counted), 0))

    def subject(self, request: HttpRequest, row: Location) -> Subject:
        return analytics.of_location(row, user=request.user)

    @admin.display(description="trackers now")
    def trackers_here(self, location: Any) -> int:
        return location.here

    def map_context(self, request: HttpRequest, location: Location | None) -> dict[str, Any]:
        context = super().map_context(request, location)
        if location and not location.area:
            context["tune_url"] = self.tune_url(location.pk)
        return context

    def add_row(self, request: HttpRequest, values: Values) -> Model:
        changed = locations.add_location(
            actor=acting_user(request), now=timezone.now(), kind=self.kind, **values
        )
        self.announce(request, changed.job)
        return changed.location

    def change_row(self, request: HttpRequest, row: Location, values: Values) -> Model:
        changed = locations.change_location(
            location=row, actor=acting_user(request), now=timezone.now(), **values
        )
        self.announce(request, changed.job)
        return changed.location

    def delete_row(self, request: HttpRequest, row: Location) -> None:
        locations.delete_location(location=row, actor=acting_user(request), now=timezone.now())

    def question(self, row: Location | None, values: Values) -> str:
        return stored_locations.question(row, values)

    def preview(self, request: HttpRequest, row: Location | None, values: Values) -> Tried | None:
        actor = acting_user(request)
        if row is None:
            return locations.preview_new(actor=actor, clock=timezone.now, kind=self.kind, **values)
        return locations.preview_change(location=row, actor=actor, clock=timezone.now, **values)


@composed(StorageLocation)
class ComposedStorageAdmin(ComposedLocationAdmin, StorageLocationAdmin):
    pass


@composed(DeliveryLocation)
class ComposedDeliveryAdmin(ComposedLocationAdmin, DeliveryLocationAdmin):
    pass
