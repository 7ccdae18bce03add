"""Production runs: their dates and policy decide about history, so a change replays their trackers."""

from datetime import UTC, datetime
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest
from django.utils import timezone

from clients.admin.clients import ProductionRunAdmin
from clients.models import ProductionRun
from trackers import tasks
from trackers.admin.analytics import AnalyticsAdmin, Subject, of_assignments
from trackers.models import Assignment, Tracker

DECISIVE = {"start_date", "end_date", "max_accuracy_m", "exit_accuracy_cap_m", "confirmations"}


@admin.register(ProductionRun)
class ReplayingRunAdmin(AnalyticsAdmin, ProductionRunAdmin):
    def subject(self, request: HttpRequest, row: ProductionRun) -> Subject:
        mine = Assignment.objects.visible_to(request.user).filter(run=row)
        return of_assignments(mine, request, run=row)

    def save_model(
        self, request: HttpRequest, obj: ProductionRun, form: forms.ModelForm, change: Any
    ) -> None:
        super().save_model(request, obj, form, change)
        if change and DECISIVE.intersection(form.changed_data):
            tasks.replay_run.delay_on_commit(obj.pk)  # type: ignore[attr-defined]
            self.message_user(
                request,
                "The history of the run's trackers is being recomputed in the background.",
                messages.INFO,
            )
            self.message_user(request, _fetching(obj, timezone.now()), messages.INFO)


def _fetching(run: ProductionRun, now: datetime) -> str:
    """What the run's dates mean for the trackers that are in it."""
    in_force = Assignment.objects.in_force_at(now).filter(run=run, tracker__state=Tracker.State.ACTIVE)
    number = in_force.count()
    active = "1 active tracker" if number == 1 else f"{number:,} active trackers"
    if run.start_date <= now.astimezone(UTC).date() <= run.end_date:
        return f"The run's dates include today: its {active} will be fetched within a minute."
    return f"The run's dates don't include today: nothing is fetched for its {active}."
