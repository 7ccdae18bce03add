"""Filters of lists; each narrows by a column that an index serves."""

from datetime import timedelta
from typing import Any

from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from unfold.contrib.filters.admin import DropdownFilter

from trackers.models import GeofenceEvent

CROSSINGS = (GeofenceEvent.Type.ENTRY, GeofenceEvent.Type.EXIT)


class SeenFilter(DropdownFilter):
    title = "last seen"
    parameter_name = "seen"
    _HOURS = {"1h": 1, "6h": 6, "24h": 24}
    _NOT_SEEN_DAYS = {"silent1d": 1, "silent7d": 7}

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [
            ("1h", "Within 1 hour"),
            ("6h", "Within 6 hours"),
            ("24h", "Within 24 hours"),
            ("silent1d", "Not for over 24 hours"),
            ("silent7d", "Not for over 7 days"),
            ("never", "Never"),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        chosen = self.value()
        if chosen in self._HOURS:
            since = timezone.now() - timedelta(hours=self._HOURS[chosen])
            return queryset.filter(last_seen_at__gte=since)
        if chosen in self._NOT_SEEN_DAYS:
            before = timezone.now() - timedelta(days=self._NOT_SEEN_DAYS[chosen])
            return queryset.filter(last_seen_at__lt=before)
        if chosen == "never":
            return queryset.filter(last_seen_at=None)
        return queryset


class EventTypeFilter(DropdownFilter):
    """Arrivals and departures unless something else is chosen: those are what an index by location holds."""

    title = "type"
    parameter_name = "type"
    all_option = ["", "Arrivals and departures"]

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [*GeofenceEvent.Type.choices, ("any", "Any type")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        chosen = self.value()
        if not chosen:
            return queryset.filter(type__in=CROSSINGS)
        return queryset.filter(type=chosen) if chosen in GeofenceEvent.Type.values else queryset


class ResolvedFilter(DropdownFilter):
    title = "resolved"
    parameter_name = "resolved"
    all_option = ["", "Open"]

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "Resolved"), ("any", "All")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        wanted = {"yes": Q(resolved_at__isnull=False), "any": Q()}.get(
            self.value() or "", Q(resolved_at=None)
        )
        return queryset.filter(wanted)
