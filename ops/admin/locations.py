"""Locations with what trackers did there: how many there are, analytics, tuning, and the histories that a changed fence
changes."""

from datetime import datetime
from typing import Any

from django.contrib import admin
from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest

from clients.models import User
from locations.admin.locations import DeliveryLocationAdmin, LocationAdmin, StorageLocationAdmin
from locations.models import DeliveryLocation, Location, StorageLocation
from ops.admin.analytics import AnalyticsAdmin
from ops.admin.composing import composed
from ops.admin.previews import PreviewedAdmin
from ops.admin.tuning import TunedAdmin
from trackers.models import RecomputationJob, Tracker
from trackers.pages import analytics
from trackers.pages.analytics import Subject
from trackers.services.recomputation import queueing


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

    def remember(self, pk: int) -> Any:
        return queueing.fence_of(pk)

    def queue_recomputation(
        self, pk: int, before: Any, actor: User, now: datetime
    ) -> RecomputationJob | None:
        return queueing.queue_fence(location_id=pk, before=before, actor=actor, now=now)


@composed(StorageLocation)
class ComposedStorageAdmin(ComposedLocationAdmin, StorageLocationAdmin):
    pass


@composed(DeliveryLocation)
class ComposedDeliveryAdmin(ComposedLocationAdmin, DeliveryLocationAdmin):
    pass
