"""Filters of trackers and of their time series.

A time series is always read through an index that begins with the tracker: of the tracker that is named, or of the
trackers that were assigned to the run or client within a bounded window.
"""

from datetime import datetime, timedelta
from typing import Any, ClassVar

import django_filters
from django import forms
from django.core.exceptions import ValidationError as InvalidValue
from django.db.models import Q, QuerySet
from django.utils import timezone
from django_filters.rest_framework import FilterSet
from drf_spectacular.utils import extend_schema_field
from rest_framework.exceptions import ValidationError

from foundation.api.filters import ChoicesFilter, IdFilter, MomentFilter, Ordering, YesNoFilter
from foundation.tenancy import Viewer, sees_everything
from locations.api.geojson import BoxFilter
from trackers import selectors
from trackers.api.retracted import RetractableFilters
from trackers.models import Assignment, Battery, GeofenceEvent, GeoStatus, Tracker
from trackers.naming import name_of

CROSSINGS = {GeofenceEvent.Type.ENTRY, GeofenceEvent.Type.EXIT}
MAX_NOT_SEEN_HOURS = 87_600


class MacField(forms.CharField):
    """A tracker's MAC, of a MAC in any notation or of the serial of a tracker that is the user's or was once."""

    user: Viewer = None

    def to_python(self, value: Any) -> str:
        text = super().to_python(value)
        if not text:
            return ""
        name = name_of(text)
        if mac := name.mac or selectors.mac_of_serial(self.user, name.text):
            return mac
        # As a parameter: django-filter formats the message, and the text that was given may hold a `%`.
        problem = f"{text[:40]!r} is no MAC address, and none of your trackers has this serial."
        raise InvalidValue("%(problem)s", code="invalid", params={"problem": problem})


@extend_schema_field({"type": "string", "example": "E2:7B:7C:0B:3A:2F"})
class MacFilter(django_filters.Filter):
    field_class = MacField

    @property
    def field(self) -> Any:
        field = super().field
        field.user = getattr(self.parent.request, "user", None)
        return field


@extend_schema_field({"type": "number", "minimum": 0, "maximum": MAX_NOT_SEEN_HOURS})
class HoursFilter(django_filters.Filter):
    field_class = forms.FloatField

    def __init__(self, **options: Any) -> None:
        super().__init__(min_value=0, max_value=MAX_NOT_SEEN_HOURS, **options)


class TrackerFilters(FilterSet):
    status = ChoicesFilter(choices=GeoStatus.choices, help_text="Its shipment status.")
    state = ChoicesFilter(choices=Tracker.State.choices, help_text="Its lifecycle state.")
    battery = ChoicesFilter(choices=Battery.choices)
    location = IdFilter(help_text="The id of the location where it is now.")
    run = IdFilter(field_name="latest_assignment__run", help_text="The id of a production run.")
    brand = IdFilter(field_name="latest_assignment__run__brand", help_text="The id of a brand.")
    client = IdFilter(field_name="latest_assignment__run__brand__client", help_text="The id of a client.")
    seen_after = MomentFilter("last_seen_at", "gte", help_text="Last seen at this time or later.")
    seen_before = MomentFilter("last_seen_at", "lt", help_text="Last seen before this time.")
    silent_for = HoursFilter(
        method="not_seen_for", help_text="Not seen for at least this many hours, or never."
    )
    updated_after = MomentFilter(
        "updated_at",
        "gt",
        help_text="Changed after this time. Not for keeping a copy: rows are missed that move between pages, share a"
        " moment or commit late. Use `changed_after`.",
    )
    search = django_filters.CharFilter(
        method="with_text", help_text="A MAC in any notation, or a part of a MAC or serial."
    )
    bbox = BoxFilter(
        field_name="last_position", help_text="Last seen within west,south,east,north, in degrees."
    )

    def not_seen_for(self, trackers: Any, name: str, hours: float) -> Any:
        return selectors.not_seen_since(trackers, timezone.now() - timedelta(hours=hours))

    def with_text(self, trackers: Any, name: str, text: str) -> Any:
        return selectors.search_trackers(trackers, text)


class OrderedTrackerFilters(TrackerFilters):
    ordering = Ordering(
        fields=["mac", "serial", "last_seen_at", "last_received_at", "status_since", "updated_at"],
        help_text="Empty values come last.",
    )


class ReportFilters(FilterSet):
    since = MomentFilter("seen_at", "gte", help_text="Seen at this time or later.")
    until = MomentFilter("seen_at", "lt", help_text="Seen before this time.")
    counted = ChoicesFilter(
        method="that_came_to",
        choices=selectors.Counted.choices,
        help_text="What became of it for status and events.",
    )
    usable = YesNoFilter(help_text="Whether it is accurate enough for the production run.")
    max_accuracy_m = extend_schema_field({"type": "number", "minimum": 0})(
        django_filters.NumberFilter(
            "accuracy_m", "lte", min_value=0, help_text="Leaves out worse and unknown accuracies."
        )
    )
    battery = ChoicesFilter(choices=Battery.choices)

    def that_came_to(self, reports: Any, name: str, counted: list[str]) -> Any:
        return selectors.reports_that_came_to(reports, counted) if counted else reports


class HistoricFilters(RetractableFilters):
    location = IdFilter(help_text="The id of a location.")


class EventFilters(HistoricFilters):
    since = MomentFilter("occurred_at", "gte", help_text="At this time or later.")
    until = MomentFilter("occurred_at", "lt", help_text="Before this time.")
    type = ChoicesFilter(choices=GeofenceEvent.Type.choices)


class HistoryFilters(HistoricFilters):
    since = MomentFilter(
        method="not_over_by", help_text="Status periods that ended after this time or have not ended."
    )
    until = MomentFilter("started_at", "lt", help_text="Status periods that began before this time.")
    status = ChoicesFilter(choices=GeoStatus.choices)

    def not_over_by(self, rows: Any, name: str, moment: datetime) -> Any:
        return rows.filter(Q(ended_at__gt=moment) | Q(ended_at=None))


class FleetFilters(FilterSet):
    """For a time series of many trackers; to be mixed into the filters of one.

    Without `tracker` the window has a greatest length, and a default one if its beginning is not given.
    """

    default_window: ClassVar[timedelta]
    max_window: ClassVar[timedelta]

    tracker = MacFilter(
        method="keep", help_text="A MAC, in any notation, or a serial. Without it the window is bounded."
    )
    run = IdFilter(method="keep", help_text="The id of a production run.")
    client = IdFilter(method="keep", help_text="The id of a client.")

    def keep(self, rows: Any, name: str, value: Any) -> Any:
        return rows

    def filter_queryset(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        asked = self.form.cleaned_data
        if not asked["tracker"]:
            self.bound_window(asked)
        rows = super().filter_queryset(queryset)
        if asked["tracker"]:
            rows = selectors.of_mac(rows, asked["tracker"])
        named = asked["run"] or asked["client"]
        if named:
            rows = self.under(rows, self.assignments(asked))
        if asked["tracker"] or self.finds_without_tracker(asked):
            return rows
        if sees_everything(self.request.user) and not named:
            message = "Name a tracker, a run or a client: there are too many rows to search them all."
            raise ValidationError({"tracker": [message]})
        return selectors.of_trackers_under(rows, self.assignments(asked))

    def bound_window(self, asked: dict[str, Any]) -> None:
        until = asked["until"] or timezone.now()
        if asked["since"] is None:
            since = asked["since"] = until - self.default_window
            self.request.pinned_parameters = {"since": since.isoformat()}
        if until - asked["since"] > self.max_window:
            message = f"Without `tracker`, ask for at most {self.max_window.days} days at a time."
            raise ValidationError({"since": [message]})

    def assignments(self, asked: dict[str, Any]) -> QuerySet[Assignment]:
        """The user's own, of the run and client that were asked for, in force within the window."""
        assignments = Assignment.objects.visible_to(self.request.user)
        if asked["run"]:
            assignments = assignments.filter(run=asked["run"])
        if asked["client"]:
            assignments = assignments.filter(run__brand__client=asked["client"])
        if asked["since"] or asked["until"]:
            assignments = assignments.filter(period__overlap=(asked["since"], asked["until"]))
        return assignments

    def under(self, rows: Any, assignments: QuerySet[Assignment]) -> Any:
        return selectors.rows_under(rows, assignments)

    def finds_without_tracker(self, asked: dict[str, Any]) -> bool:
        """Whether another index serves what was asked for."""
        return False


class FleetReportFilters(FleetFilters, ReportFilters):
    default_window = timedelta(days=1)
    max_window = timedelta(days=7)

    def under(self, rows: Any, assignments: QuerySet[Assignment]) -> Any:
        return selectors.reports_under(rows, assignments)


class FleetEventFilters(FleetFilters, EventFilters):
    default_window = timedelta(days=1)
    max_window = timedelta(days=31)

    def finds_without_tracker(self, asked: dict[str, Any]) -> bool:
        """Arrivals and departures are indexed by location."""
        crossings_only = asked["type"] and CROSSINGS.issuperset(asked["type"])
        kept = asked["include_retracted"] or asked["retracted"]
        return bool(asked["location"] and crossings_only and not kept)


class FleetHistoryFilters(FleetFilters, HistoryFilters):
    default_window = timedelta(days=31)
    max_window = timedelta(days=366)


class TrackFilters(ReportFilters):
    """The window of a way on the map."""

    default_window = timedelta(days=7)
    max_window = timedelta(days=92)

    def filter_queryset(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        asked = self.form.cleaned_data
        until = asked["until"] or timezone.now()
        asked["since"] = asked["since"] or until - self.default_window
        if until - asked["since"] > self.max_window:
            raise ValidationError({"since": [f"Ask for at most {self.max_window.days} days at a time."]})
        return super().filter_queryset(queryset)
