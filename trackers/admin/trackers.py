"""Trackers: the list, and a page that shows what a tracker did. `ops` adds what apps above know of them."""

from collections.abc import Sequence
from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.html import format_html
from unfold.contrib.filters.admin import AutocompleteSelectFilter, ChoicesDropdownFilter

from foundation.admin.addresses import PageParameter, one_of
from foundation.admin.base import ago_column, badge_column
from foundation.admin.steps import Step, StepsAdmin
from locations.models import SHAPE_OF_LOCATION, SHAPE_OF_PLACE
from trackers import selectors
from trackers.admin import actions, alerts, links, panels
from trackers.admin.filters import SeenFilter
from trackers.admin.panels import Panel
from trackers.models import Tracker
from trackers.pages import lifecycle
from trackers.pages import tracker as pages
from trackers.pages.lifecycle import Stage


@admin.register(Tracker)
class TrackerAdmin(StepsAdmin):
    empty_hint = "Trackers appear here when the devices of a key batch are registered."
    list_display = (
        "mac",
        "serial",
        "client_and_run",
        "status_badge",
        "place",
        "seen",
        "battery_badge",
        "state_badge",
    )
    list_filter = (
        ("status", ChoicesDropdownFilter),
        ("state", ChoicesDropdownFilter),
        ("latest_assignment__run__brand__client", AutocompleteSelectFilter),
        ("latest_assignment__run", AutocompleteSelectFilter),
        ("battery", ChoicesDropdownFilter),
        SeenFilter,
    )
    sortable_by = ("mac", "seen")
    search_fields = ("mac", "serial")
    search_help_text = "MAC in any notation, several, or the beginning of a serial"
    page_parameters: ClassVar = {
        "change": (
            one_of("days", pages.WINDOWS_DAYS),
            PageParameter("reports_after", pages.is_page_of_reports, "what the links of the page have"),
        )
    }
    steps: ClassVar[Sequence[Step]] = actions.STEPS
    panels: ClassVar[tuple[Panel, ...]] = (alerts.PANEL,)
    step_columns = ("mac", "serial", "client_and_run", "status_badge", "state_badge")
    fields = ("mac", "serial", "state", "created_at", "updated_at", "verified_at")
    # Told by the manufacturer, if at all.
    make_fields = ("firmware", "hardware_revision", "manufactured_at")
    readonly_fields = ("mac", "state", *make_fields, "created_at", "updated_at", "verified_at")
    change_form_outer_before_template = "admin/trackers/tracker/overview.html"
    change_form_outer_after_template = "admin/trackers/tracker/tables.html"

    status_badge = badge_column("status", "status")
    state_badge = badge_column("state", "state")
    battery_badge = badge_column("battery", "battery")
    seen = ago_column("last_seen_at", "seen")

    @admin.display(description="client and run")
    def client_and_run(self, tracker: Tracker) -> Any:
        if not tracker.latest_assignment:
            return "–"
        run = tracker.latest_assignment.run
        return format_html('{}<br><span class="gl-quiet">{}</span>', run.brand.client.name, run.name)

    @admin.display(description="location")
    def place(self, tracker: Tracker) -> Any:
        if not tracker.near:
            return tracker.location or "–"
        near = f"{tracker.near_km:.1f} km from {tracker.near}"
        return format_html('{}<br><span class="gl-quiet">{}</span>', tracker.location or "–", near)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Tracker | None = None) -> bool:
        return False

    def get_fields(self, request: HttpRequest, obj: Tracker | None = None) -> tuple[str, ...]:
        known = (name for name in self.make_fields if obj and getattr(obj, name))
        return (*self.fields[:3], *known, *self.fields[3:])

    def get_queryset(self, request: HttpRequest) -> QuerySet[Tracker]:
        return (
            super()
            .get_queryset(request)
            .select_related("location", "near", "latest_assignment__run__brand__client")
            .defer(*SHAPE_OF_LOCATION, *SHAPE_OF_PLACE)
        )

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Tracker], search_term: str
    ) -> tuple[QuerySet[Tracker], bool]:
        return selectors.find_trackers(queryset, search_term), False

    def row_context(self, request: HttpRequest, row: Tracker) -> dict[str, Any]:
        now = timezone.now()
        page = pages.show(
            row,
            user=request.user,
            days=request.GET.get("days", ""),
            reports_after=request.GET.get("reports_after", ""),
            now=now,
        )
        shown = panels.load_all(self.panels, row, user=request.user, now=now)
        return super().row_context(request, row) | vars(page) | {"panels": shown}

    def get_stages(self) -> tuple[Stage, ...]:
        """What the lifecycle's page is made of."""
        return lifecycle.STAGES

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.lifecycle_view)
        return [path("<int:pk>/lifecycle/", view, name=self._url_name("lifecycle")), *super().get_urls()]

    def lifecycle_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        tracker = self.get_object(request, str(pk))
        if tracker is None or not self.has_view_permission(request, tracker):
            raise Http404
        context = {
            **self.admin_site.each_context(request),
            "title": f"Lifecycle of {tracker}",
            "opts": self.opts,
            "tracker": tracker,
            "steps": [_linked(step) for step in lifecycle.steps_of(tracker, self.get_stages())],
            "now": timezone.now(),
        }
        return render(request, "admin/trackers/tracker/lifecycle.html", context)


def _linked(step: lifecycle.Step) -> dict[str, Any]:
    """A step of the lifecycle with the address of the row that tells more."""
    about = step.milestone.about if step.milestone else None
    return {
        "icon": step.icon,
        "name": step.name,
        "milestone": step.milestone,
        "url": links.change_page(about) if about else "",
    }
