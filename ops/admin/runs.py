"""Production runs: their dates and policy decide about history, so a change recomputes that of their trackers."""

from datetime import UTC, datetime
from typing import Any

from django.contrib import admin, messages
from django.db.models import Model
from django.http import HttpRequest
from django.utils import timezone

from clients.admin.clients import acting_user
from clients.admin.runs import ProductionRunAdmin
from clients.models import ProductionRun
from foundation import countries
from foundation.admin.served import Values
from foundation.wording import counted
from ops.admin.analytics import AnalyticsAdmin
from ops.admin.composing import composed
from ops.admin.previews import PreviewedAdmin
from trackers.models import Assignment, RunCountries, Tracker
from trackers.pages import analytics
from trackers.pages.analytics import Subject
from trackers.services.changes import runs
from trackers.services.changes.previewing import Tried

DATES = {"start_date", "end_date"}
COUNTRIES_CHANGED = (
    "The countries are in force within a minute: then all of the run's trackers are evaluated again, and alerts begin"
    " or end, also those of the past."
)


@composed(ProductionRun)
class ComposedRunAdmin(AnalyticsAdmin, PreviewedAdmin, ProductionRunAdmin):
    readonly_fields = ("countries_in_force",)

    def get_fieldsets(self, request: HttpRequest, obj: ProductionRun | None = None) -> Any:
        """What follows from an empty choice of countries is told beside it, once it is known."""
        first, *others = super().get_fieldsets(request, obj)
        if obj is None:
            return [first, *others]
        title, options = first
        return [(title, {**options, "fields": (*options["fields"], "countries_in_force")}), *others]

    @admin.display(description="countries in force")
    def countries_in_force(self, run: ProductionRun) -> str:
        known = RunCountries.objects.filter(run=run).first()
        if known is None:
            return "Shown within a minute, while the run lasts."
        return (
            countries.name_all(known.countries)
            or "None: it has no locations, so nobody can leave their country."
        )

    def subject(self, request: HttpRequest, row: ProductionRun) -> Subject:
        mine = Assignment.objects.visible_to(request.user).filter(run=row)
        return analytics.of_assignments(mine, user=request.user, run=row)

    def add_row(self, request: HttpRequest, values: Values) -> Model:
        return runs.add_run(actor=acting_user(request), now=timezone.now(), **values)

    def change_row(self, request: HttpRequest, row: ProductionRun, values: Values) -> Model:
        changed = runs.change_run(run=row, actor=acting_user(request), now=timezone.now(), **values)
        self.announce(request, changed.job)
        return changed.run

    def delete_row(self, request: HttpRequest, row: ProductionRun) -> None:
        runs.delete_run(run=row, actor=acting_user(request), now=timezone.now())

    def preview(self, request: HttpRequest, row: ProductionRun | None, values: Values) -> Tried | None:
        """A new run has no trackers yet."""
        if row is None:
            return None
        return runs.preview_change(run=row, actor=acting_user(request), clock=timezone.now, **values)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: Any) -> None:
        super().save_related(request, form, formsets, change)
        if change and DATES.intersection(form.changed_data):
            self.message_user(request, _fetching(form.instance, timezone.now()), messages.INFO)
        if change and "countries" in form.changed_data:
            self.message_user(request, COUNTRIES_CHANGED, messages.INFO)


def _fetching(run: ProductionRun, now: datetime) -> str:
    """What the run's dates mean for the trackers that are in it."""
    in_force = Assignment.objects.in_force_at(now).filter(run=run, tracker__state=Tracker.State.ACTIVE)
    number = in_force.count()
    active = counted(number, "active tracker")
    if run.start_date <= now.astimezone(UTC).date() <= run.end_date:
        return f"The run's dates include today: its {active} will be fetched within a minute."
    return f"The run's dates don't include today: nothing is fetched for its {active}."
