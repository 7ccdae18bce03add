"""Between the form and the save of what decides about history: a page that says how much of it would change."""

from collections.abc import Iterator
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.html import format_html

from foundation.admin.served import ServedAdmin, Values
from foundation.errors import DomainError
from trackers import tasks
from trackers.models import RecomputationJob
from trackers.services.changes.previewing import Tried


class PreviewedAdmin(ServedAdmin):
    """A save that can change histories is asked for once more; the service that makes it queues their recomputation."""

    def preview(self, request: HttpRequest, row: Any, values: Values) -> Tried | None:
        """What storing the values in the row would do, or in a new one where it is None; None if nothing."""
        raise NotImplementedError

    def question(self, row: Any, values: Values) -> str:
        """What somebody has to confirm before the values are stored in the row, or in a new one where it is None; empty
        if nothing."""
        return ""

    def answer_before_saving(self, request: HttpRequest, object_id: str | None) -> HttpResponse | None:
        if "confirmed" in request.POST:
            return None
        stored = self.get_object(request, object_id) if object_id else None
        values = self._valid_values(request, stored, object_id)
        if values is None:
            return None
        try:
            question = self.question(stored, values)
            tried = self.preview(request, stored, values)
        except DomainError:
            return None  # The save itself says it.
        return self._ask(request, question, tried) if question or tried else None

    def announce(self, request: HttpRequest, job: RecomputationJob | None) -> None:
        """Let a worker begin with the job, and say where it is shown."""
        if job is None:
            return
        tasks.work_off_recomputations.delay_on_commit()  # type: ignore[attr-defined]
        url = reverse("admin:trackers_recomputationjob_change", args=[job.pk])
        text = 'The affected histories are being recomputed: <a href="{}">see the progress</a>.'
        self.message_user(request, format_html(text, url), messages.INFO)

    def _valid_values(self, request: HttpRequest, stored: Any, object_id: str | None) -> Values | None:
        """What the form asks to store; None if it is not valid, or not allowed."""
        allowed = self.has_change_permission(request, stored) if stored else self.has_add_permission(request)
        if not allowed or (object_id and stored is None):
            return None
        form_class = self.get_form(request, stored, change=stored is not None)
        form = form_class(request.POST, request.FILES, instance=stored)
        return self.values_of(form) if form.is_valid() else None

    def _ask(self, request: HttpRequest, question: str, tried: Tried | None) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": "What this changes" if tried else "Please confirm",
            "opts": self.opts,
            "question": question,
            "change": tried.change if tried else "",
            "preview": tried.preview if tried else None,
            "fields": list(_fields(request)),
        }
        return render(request, "admin/ops/preview.html", context)


def _fields(request: HttpRequest) -> Iterator[tuple[str, str]]:
    """The form as it came, to be sent again."""
    for name, values in request.POST.lists():
        if name != "csrfmiddlewaretoken":
            yield from ((name, str(value)) for value in values)
