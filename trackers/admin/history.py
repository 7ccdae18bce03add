"""Events, status history, assignments and timeline checks: read only, services write them."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.contrib.filters.admin import AutocompleteSelectFilter, ChoicesDropdownFilter

from foundation.admin import display
from foundation.admin.base import ReadOnlyAdmin, ago_column, badge_column
from locations.models import SHAPE_OF_LOCATION
from trackers import selectors
from trackers.admin.filters import EventTypeFilter
from trackers.models import Assignment, GeofenceEvent, RetentionCutoff, StatusChange, TimelineCheck


class TrackerRowsAdmin(ReadOnlyAdmin):
    """Rows of trackers, found by the tracker."""

    search_fields = ("tracker__mac",)
    search_help_text = "Tracker: MAC in any notation, or the beginning of a serial"

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        if not search_term.strip():
            return queryset, False
        return selectors.of_found_trackers(queryset, search_term), False


class HistoryAdmin(TrackerRowsAdmin):
    """What counts. Retracted rows are on the tracker's page, where an index leads to them."""

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return (
            super()
            .get_queryset(request)
            .valid()
            .select_related("tracker", "location", "assignment__run__brand__client")
            .defer(*SHAPE_OF_LOCATION)
        )

    @admin.display(description="client and run")
    def client_and_run(self, row: Any) -> str:
        run = row.assignment.run
        return f"{run.brand.client.name} / {run.name}"


@admin.register(GeofenceEvent)
class GeofenceEventAdmin(HistoryAdmin):
    empty_hint = "Events appear when trackers report from inside or outside of their run's locations."
    list_display = ("tracker", "type_badge", "location", "occurred_at", "recorded", "client_and_run")
    list_filter = (
        EventTypeFilter,
        ("location", AutocompleteSelectFilter),
        ("assignment__run__brand__client", AutocompleteSelectFilter),
    )
    sortable_by = ()
    fields = (
        "tracker",
        "type",
        "location",
        "occurred_at",
        "recorded_at",
        "status_change",
        "assignment",
        "report",
    )
    readonly_fields = ("report",)

    type_badge = badge_column("type", "type")
    recorded = ago_column("recorded_at", "recorded")

    @admin.display(description="report's fingerprint")
    def report(self, event: GeofenceEvent) -> str:
        return bytes(event.fingerprint).hex()


@admin.register(StatusChange)
class StatusChangeAdmin(HistoryAdmin):
    empty_hint = "The history begins with a tracker's first report in a run."
    list_display = ("tracker", "status_badge", "location", "started_at", "lasted", "client_and_run")
    list_filter = (
        ("status", ChoicesDropdownFilter),
        ("location", AutocompleteSelectFilter),
        ("assignment__run__brand__client", AutocompleteSelectFilter),
    )
    sortable_by = ()
    fields = ("tracker", "status", "location", "started_at", "ended_at", "recorded_at", "assignment")

    status_badge = badge_column("status", "status")

    @admin.display(description="lasted")
    def lasted(self, period: StatusChange) -> str:
        return display.duration(period.ended_at - period.started_at) if period.ended_at else "ongoing"


@admin.register(Assignment)
class AssignmentAdmin(TrackerRowsAdmin):
    empty_hint = "Trackers are assigned to a run when an order is allocated."
    list_display = ("tracker", "run", "begins", "ends")
    list_filter = (
        ("run", AutocompleteSelectFilter),
        ("run__brand__client", AutocompleteSelectFilter),
    )
    sortable_by = ()
    fields = ("tracker", "run", "begins", "ends")
    readonly_fields = ("begins", "ends")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Assignment]:
        return super().get_queryset(request).select_related("tracker", "run__brand__client")

    @admin.display(description="from")
    def begins(self, assignment: Assignment) -> str:
        return display.utc(assignment.period.lower)

    @admin.display(description="until")
    def ends(self, assignment: Assignment) -> str:
        return display.utc(assignment.period.upper) if assignment.period.upper else "ongoing"


@admin.register(TimelineCheck)
class TimelineCheckAdmin(ReadOnlyAdmin):
    empty_hint = "A scheduled task compares stored histories with the reports; its results are listed here."
    list_display = ("checked_at", "trackers", "drifted", "failed", "took_s")
    date_hierarchy = "checked_at"
    sortable_by = ("checked_at",)


@admin.register(RetentionCutoff)
class RetentionCutoffAdmin(ReadOnlyAdmin):
    empty_hint = "All reports are kept: none was ever dropped for its age."
    list_display = ("reports_kept_from", "moved_at")
    sortable_by = ()
