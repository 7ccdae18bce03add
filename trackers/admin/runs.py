"""Production runs: their dates and policy decide about history, so a change replays their trackers."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest

from clients.admin.clients import ProductionRunAdmin
from clients.models import ProductionRun
from trackers import tasks

DECISIVE = {"start_date", "end_date", "max_accuracy_m", "exit_accuracy_cap_m", "confirmations"}


@admin.register(ProductionRun)
class ReplayingRunAdmin(ProductionRunAdmin):
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
