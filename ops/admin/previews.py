"""Between the form and the save of what decides about history: a page that says how much of it would change."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, cast

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html

from clients.models import User
from foundation.admin.base import GlimpseAdmin
from trackers import tasks
from trackers.models import RecomputationJob
from trackers.services.recomputation import previewing
from trackers.services.recomputation.previewing import Preview


class PreviewedAdmin(GlimpseAdmin):
    """A save that can change histories is asked for once more, and then queues the replay in its transaction."""

    def remember(self, pk: int) -> Any:
        """How the object is stored, for `queue_replay`."""
        raise NotImplementedError

    def queue_recomputation(
        self, pk: int, before: Any, actor: User, now: datetime
    ) -> RecomputationJob | None:
        raise NotImplementedError

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        if request.method == "POST" and "confirmed" not in request.POST:
            previewed = self._previewed(request, object_id)
            if previewed:
                return self._ask(request, *previewed)
        return super().changeform_view(request, object_id, form_url, extra_context)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: Any) -> None:
        form.stored_before = self.remember(obj.pk) if change else None
        super().save_model(request, obj, form, change)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: Any) -> None:
        super().save_related(request, form, formsets, change)
        actor = cast(User, request.user)
        job = self.queue_recomputation(form.instance.pk, form.stored_before, actor, timezone.now())
        if job is None:
            return
        tasks.work_off_recomputations.delay_on_commit()  # type: ignore[attr-defined]
        url = reverse("admin:trackers_recomputationjob_change", args=[job.pk])
        text = 'The affected histories are being recomputed: <a href="{}">see the progress</a>.'
        self.message_user(request, format_html(text, url), messages.INFO)

    def _previewed(self, request: HttpRequest, object_id: str | None) -> tuple[str, Preview] | None:
        """What the save would change; None if it is not valid, not allowed, or would change no history."""
        stored = self.get_object(request, object_id) if object_id else None
        allowed = self.has_change_permission(request, stored) if stored else self.has_add_permission(request)
        if not allowed or (object_id and stored is None):
            return None
        form_class = self.get_form(request, stored, change=stored is not None)
        form = form_class(request.POST, request.FILES, instance=stored)
        if not form.is_valid():
            return None
        with transaction.atomic():
            found = self._try(request, form, change=stored is not None)
            transaction.set_rollback(True)
        return found

    def _try(self, request: HttpRequest, form: Any, *, change: bool) -> tuple[str, Preview] | None:
        instance = self.save_form(request, form, change)
        self.save_model(request, instance, form, change)
        form.save_m2m()
        actor = cast(User, request.user)
        job = self.queue_recomputation(instance.pk, form.stored_before, actor, timezone.now())
        if job is None:
            return None
        preview = previewing.preview(job=job, clock=timezone.now)
        if preview.complete and not preview.changing:
            return None
        return job.change, preview

    def _ask(self, request: HttpRequest, change: str, preview: Preview) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": "What this changes",
            "opts": self.opts,
            "change": change,
            "preview": preview,
            "fields": list(_fields(request)),
        }
        return render(request, "admin/ops/preview.html", context)


def _fields(request: HttpRequest) -> Iterator[tuple[str, str]]:
    """The form as it came, to be sent again."""
    for name, values in request.POST.lists():
        if name != "csrfmiddlewaretoken":
            yield from ((name, str(value)) for value in values)
