"""What ops do with rows beyond editing them: a step is asked for on a page of its own, which says what will happen
and to how many, and then calls one service.

An admin lists its steps; each becomes an action of the list and a button on the row's page.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.contrib.admin import helpers, utils
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import URLPattern, path, reverse
from django.utils import timezone

from foundation import wording
from foundation.admin import fields
from foundation.admin.base import GlimpseAdmin
from foundation.errors import DomainError

MAX_ROWS = 200
MAX_NAMED = 10

Rows = Sequence[Any]


class NothingToFill(forms.Form):
    """The form of a step that needs no more than a yes."""


@dataclass(frozen=True)
class Step:
    """`perform(rows, the form's values, actor, now)` calls the service and returns the message of what happened.

    explain: what will happen to these rows. offered: whether it can be done to a row as it is; its page shows the
    button then, and a selection leaves the others out. initial: values that the form begins with. A step asks for the
    permission to change the model.
    """

    name: str
    title: str
    button: str
    icon: str
    explain: Callable[[Rows], str]
    perform: Callable[[Rows, dict[str, Any], Any, datetime], str]
    form_class: type[forms.Form] = NothingToFill
    initial: Callable[[Rows], dict[str, Any]] = lambda rows: {}
    offered: Callable[[Any], bool] = lambda row: True
    dangerous: bool = False


class StepsAdmin(GlimpseAdmin):
    """`step_columns` are the columns, as in `list_display`, by which the confirmation shows the rows."""

    steps: ClassVar[Sequence[Step]] = ()
    step_columns: ClassVar[Sequence[str]] = ("__str__",)
    change_form_outer_before_template = "admin/steps.html"

    def has_step_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(f"{self.opts.app_label}.change_{self.opts.model_name}")

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        found = super().get_actions(request)
        for step in self.steps:
            if self.has_step_permission(request):
                found[step.name] = (_list_action(step), step.name, step.title)
        return found

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.step_view)
        return [path("<int:pk>/do/<slug:name>/", view, name=self._url_name("do")), *super().get_urls()]

    def row_context(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        """What the row's page shows beside its form, to those who may view the row."""
        return {"steps": self._offered(request, row)}

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        row = self.get_object(request, object_id)
        shown = self.row_context(request, row) if row and self.has_view_permission(request, row) else {}
        return super().change_view(request, object_id, form_url, shown | (extra_context or {}))

    def step_view(self, request: HttpRequest, pk: int, name: str) -> HttpResponse:
        row = self.get_object(request, str(pk))
        step = next((step for step in self.steps if step.name == name), None)
        if row is None or step is None or not self.has_step_permission(request):
            raise Http404
        page = reverse(f"admin:{self._url_name('change')}", args=[pk])
        return self.take_step(request, step, [row], done=page)

    def take_step(self, request: HttpRequest, step: Step, rows: Rows, *, done: str) -> HttpResponse:
        """Ask, or with the filled form perform; then go to `done`."""
        if "confirmed" not in request.POST:
            return self._ask_about(request, step, rows, done)
        form = step.form_class(request.POST, request.FILES, initial=step.initial(rows))
        unused = [*fields.problems(request, form, fields.OF_STEPS)]
        for problem in unused:
            self.message_user(request, f"{problem} Nothing was done.", messages.ERROR)
        if unused or not form.is_valid():
            return self._ask(request, step, rows, form, done)
        try:
            message = step.perform(rows, form.cleaned_data, request.user, timezone.now())
        except DomainError as error:
            self.report_error(request, error)
        else:
            self.message_user(request, message, messages.SUCCESS)
        return HttpResponseRedirect(done)

    def _offered(self, request: HttpRequest, row: Model) -> list[dict[str, Any]]:
        if not self.has_step_permission(request):
            return []
        name = f"admin:{self._url_name('do')}"
        return [
            {"step": step, "url": reverse(name, args=[row.pk, step.name])}
            for step in self.steps
            if step.offered(row)
        ]

    def _ask_about(self, request: HttpRequest, step: Step, rows: Rows, done: str) -> HttpResponse:
        """Ask about the rows that the step is offered for, and name those that are left out."""
        fit = [row for row in rows if step.offered(row)]
        others = [str(row) for row in rows if row not in fit]
        left_out = wording.some_of(others, most=MAX_NAMED)
        if not fit:
            text = f"{step.title}: not possible for {left_out} at present."
            self.message_user(request, text, messages.ERROR)
            return HttpResponseRedirect(done)
        if others:
            text = f"Left out, since it is not possible for them: {left_out}."
            self.message_user(request, text, messages.WARNING)
        return self._ask(request, step, fit, step.form_class(initial=step.initial(fit)), done)

    def _ask(self, request: HttpRequest, step: Step, rows: Rows, form: forms.Form, done: str) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": step.title,
            "opts": self.opts,
            "media": self.media + form.media,
            "step": step,
            "explanation": step.explain(rows),
            "headers": [utils.label_for_field(name, self.model, self) for name in self.step_columns],
            "rows": [(row.pk, [self._value(row, name) for name in self.step_columns]) for row in rows],
            "form": form,
            "done": done,
            "checkbox_name": helpers.ACTION_CHECKBOX_NAME,
        }
        return render(request, "admin/confirm_step.html", context)

    def _value(self, row: Model, name: str) -> Any:
        _, _, value = utils.lookup_field(name, row, self)
        return "–" if value in (None, "") else value

    def _url_name(self, page: str) -> str:
        return f"{self.opts.app_label}_{self.opts.model_name}_{page}"


def _list_action(step: Step) -> Any:
    @admin.action(description=step.title)
    def take(model_admin: StepsAdmin, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        rows = list(queryset.order_by("pk")[: MAX_ROWS + 1])
        if len(rows) > MAX_ROWS:
            model_admin.message_user(request, f"Select at most {MAX_ROWS} rows at once.", messages.ERROR)
            return None
        return model_admin.take_step(request, step, rows, done=request.get_full_path())

    return take
