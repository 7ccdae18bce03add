"""Production runs. `ops` adds what their dates and policy do to the histories of trackers."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from unfold.contrib.filters.admin import AutocompleteSelectFilter
from unfold.widgets import UnfoldAdminSelect2MultipleWidget

from clients.admin.clients import acting_user
from clients.models import ProductionRun
from clients.services import runs
from foundation import countries
from foundation.admin.served import ServedAdmin, ServedForm, Values

POLICY_LABELS = {
    "max_accuracy_m": "Least accuracy (m)",
    "exit_accuracy_cap_m": "Error circle on leaving, at most (m)",
    "entry_accuracy_factor": "Accuracy to enter, in radii at most",
    "max_speed_kmh": "Highest believable speed (km/h)",
    "confirmations": "Confirming reports",
}

MAX_NAMED = 5


class ManyOfFewWidget(UnfoldAdminSelect2MultipleWidget):
    """Searched in the page. The theme's own also has the class by which Django's script would search it on the server,
    wherever the page has a field that wants that."""

    def __init__(self) -> None:
        super().__init__()
        self.attrs["class"] = "unfold-admin-autocomplete"


class RunForm(ServedForm):
    countries = forms.MultipleChoiceField(
        choices=lambda: list(countries.names().items()),
        required=False,
        widget=ManyOfFewWidget,
        help_text=ProductionRun._meta.get_field("countries").help_text,
    )

    def refuse_invalid(self, stored: ProductionRun | None, values: Values) -> None:
        runs.refuse_invalid(stored, values)


@admin.register(ProductionRun)
class ProductionRunAdmin(ServedAdmin):
    empty_hint = "Add a run, link its locations, and orders can be placed for it."
    form = RunForm
    list_display = ("name", "brand", "start_date", "end_date", "confirmations", "max_accuracy_m")
    list_filter = (("brand__client", AutocompleteSelectFilter), ("brand", AutocompleteSelectFilter))
    list_select_related = ("brand__client",)
    search_fields = ("name", "brand__name", "brand__client__name")
    autocomplete_fields = ("brand",)
    fieldsets = (
        (None, {"fields": ("brand", "name", ("start_date", "end_date"), "countries")}),
        (
            "Presence policy",
            {
                "fields": (
                    "max_accuracy_m",
                    "entry_accuracy_factor",
                    "exit_accuracy_cap_m",
                    "max_speed_kmh",
                    "confirmations",
                ),
                "description": "When reports count as arrivals and departures. A change recomputes the history of the"
                " run's trackers in the background.",
            },
        ),
    )

    def add_row(self, request: HttpRequest, values: Values) -> Model:
        return runs.add_run(actor=acting_user(request), **values)

    def change_row(self, request: HttpRequest, row: ProductionRun, values: Values) -> Model:
        return runs.change_run(run=row, actor=acting_user(request), **values)

    def delete_row(self, request: HttpRequest, row: ProductionRun) -> None:
        runs.delete_run(run=row, actor=acting_user(request))

    def get_form(
        self, request: HttpRequest, obj: ProductionRun | None = None, change: bool = False, **kwargs: Any
    ) -> Any:
        return super().get_form(request, obj, change=change, labels=POLICY_LABELS, **kwargs)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        if not change or {"brand", "start_date", "end_date"}.intersection(form.changed_data):
            self._tell_overlaps(request, form.instance)

    def _tell_overlaps(self, request: HttpRequest, run: ProductionRun) -> None:
        others = [other.name for other in run.overlapping()[: MAX_NAMED + 1]]
        if others:
            named = ", ".join(others[:MAX_NAMED]) + (" and others" if len(others) > MAX_NAMED else "")
            text = f"Its dates overlap with {named} of the same brand. Each tracker is in one run at a time."
            self.message_user(request, text, messages.WARNING)

    def get_queryset(self, request: HttpRequest) -> QuerySet[ProductionRun]:
        return super().get_queryset(request).select_related("brand__client")
