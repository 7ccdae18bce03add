"""Alerts: what ops should look into."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from unfold.contrib.filters.admin import AutocompleteSelectFilter, ChoicesDropdownFilter, DropdownFilter

from foundation import countries
from foundation.admin import display
from foundation.admin.base import ago_column, badge_column
from trackers.admin.history import TrackerRowsAdmin
from trackers.admin.panels import Panel
from trackers.analytics import alerts
from trackers.models import Alert
from trackers.pages.alerts import of_tracker

MEASURES = {
    Alert.Kind.IMPOSSIBLE_SPEED: "{:,.0f} km/h",
    Alert.Kind.SILENT: "over {:g} h, much for it",
    Alert.Kind.NEVER_REPORTED: "within {:g} h",
    Alert.Kind.OFF_ROUTE: "{:,.0f} km too far",
    Alert.Kind.BACK_TO_STORAGE: "after {:g} h",
    Alert.Kind.LONG_STAY: "over {:g} days",
    Alert.Kind.SILENT_PLACE: "{:.0f} trackers",
}


class StandingFilter(DropdownFilter):
    """What is to be acted on, unless something else is chosen."""

    title = "standing"
    parameter_name = "standing"
    all_option = ["", "To act on"]

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [
            ("open", "Open, including those of a site outage"),
            ("ended", "Ended"),
            ("retracted", "Retracted"),
            ("any", "All"),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        match self.value():
            case "open":
                return queryset.open()  # type: ignore[attr-defined]
            case "ended":
                return queryset.valid().filter(ended_at__isnull=False)  # type: ignore[attr-defined]
            case "retracted":
                return queryset.filter(retracted_at__isnull=False)
            case "any":
                return queryset
        return queryset.to_act_on()  # type: ignore[attr-defined]


@admin.register(Alert)
class AlertAdmin(TrackerRowsAdmin):
    empty_hint = "Nothing is wrong, as far as reports tell."
    list_display = ("kind_badge", "whose", "place", "measured", "began", "latest", "lasted", "client_and_run")
    list_filter = (
        StandingFilter,
        ("kind", ChoicesDropdownFilter),
        ("assignment__run__brand__client", AutocompleteSelectFilter),
        ("assignment__run", AutocompleteSelectFilter),
        ("location", AutocompleteSelectFilter),
    )
    sortable_by = ()
    fields = (
        "kind",
        "tracker",
        "assignment",
        "location",
        "country_name",
        "measured",
        "began_at",
        "latest_at",
        "ended_at",
        "recorded_at",
        "retracted_at",
        "part_of",
    )
    readonly_fields = ("country_name", "measured")

    kind_badge = badge_column("kind", "alert")
    began = ago_column("began_at", "began")
    latest = ago_column("latest_at", "latest")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Alert]:
        return alerts.for_page(super().get_queryset(request))

    @admin.display(description="tracker")
    def whose(self, alert: Alert) -> Any:
        if alert.tracker_id is None:
            return "–"
        url = reverse("admin:trackers_tracker_change", args=[alert.tracker_id])
        return format_html('<a href="{}">{}</a>', url, alert.tracker)

    @admin.display(description="where")
    def place(self, alert: Alert) -> str:
        return alert.where or "–"

    @admin.display(description="country")
    def country_name(self, alert: Alert) -> str:
        return countries.name(alert.country) or "–"

    @admin.display(description="measure")
    def measured(self, alert: Alert) -> str:
        return measure_text(alert)

    @admin.display(description="lasted")
    def lasted(self, alert: Alert) -> str:
        return display.duration(alert.ended_at - alert.began_at) if alert.ended_at else "ongoing"

    @admin.display(description="client and run")
    def client_and_run(self, alert: Alert) -> str:
        run = alert.assignment.run if alert.assignment else None
        return f"{run.brand.client.name} / {run.name}" if run else "–"


def measure_text(alert: Alert) -> str:
    form = MEASURES.get(Alert.Kind(alert.kind))
    return form.format(alert.measure) if form and alert.measure is not None else "–"


PANEL = Panel("Alerts", "admin/trackers/alerts.html", of_tracker)
