"""Admins that write by services: the form collects values and asks the service whether it would take them. The rule,
and what follows from a change, are the service's.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

from django import forms
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from unfold.admin import ModelAdmin

from foundation.admin.base import GlimpseAdmin
from foundation.errors import DomainError, InvalidValuesError

Values = dict[str, Any]


class ServedForm(forms.ModelForm):
    """What the service says of a value is shown at its field."""

    # Where the service names a value otherwise than the form.
    shown_at: ClassVar[Mapping[str, str]] = {}

    def clean(self) -> Values:
        values = super().clean() or self.cleaned_data
        try:
            self.refuse_invalid(self.instance if self.instance.pk else None, self.all_values())
        except InvalidValuesError as error:
            for name, message in error.fields.items():
                field = self.shown_at.get(name, name)
                self.add_error(field if field in self.fields else None, message)
        return values

    def refuse_invalid(self, stored: Any, values: Values) -> None:
        """Ask the service; `stored` is None for a new row. Raises InvalidValuesError."""
        raise NotImplementedError

    def all_values(self) -> Values:
        """What the fields hold, by the service's names."""
        return dict(self.cleaned_data)

    def values(self) -> Values:
        """What the service is to store: of a row that is there only what was changed in the form."""
        held = self.all_values()
        if self.instance._state.adding:
            return held
        changed = {*self.changed_data}
        return {name: value for name, value in held.items() if self.fields_of(name) & changed}

    def fields_of(self, name: str) -> set[str]:
        """The form's fields that make up a value."""
        return {name}


class ServesInlines(ModelAdmin):
    """Rows in tables below the form are written as their own model's admin writes them."""

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        served = self.admin_site.get_model_admin(formset.model)
        formset.new_objects, formset.changed_objects, formset.deleted_objects = [], [], []
        for each in formset.initial_forms:
            if each in formset.deleted_forms:
                served.delete_row(request, each.instance)
                formset.deleted_objects.append(each.instance)
            elif each.has_changed():
                changed = {name: each.cleaned_data[name] for name in each.changed_data}
                served.change_row(request, each.instance, changed)
                formset.changed_objects.append((each.instance, each.changed_data))
        for each in formset.extra_forms:
            if each.has_changed() and each not in formset.deleted_forms:
                given = {name: each.cleaned_data[name] for name in each.fields if name in each.cleaned_data}
                given = {name: value for name, value in given.items() if name not in ("id", "DELETE")}
                made = served.add_row(request, given | {formset.fk.name: form.instance})
                formset.new_objects.append(made)


class ServedAdmin(ServesInlines, GlimpseAdmin):
    """Adds, changes and deletes by three methods, each of which calls a service. Nothing is written by the form."""

    def add_row(self, request: HttpRequest, values: Values) -> Model:
        raise NotImplementedError

    def change_row(self, request: HttpRequest, row: Any, values: Values) -> Model:
        raise NotImplementedError

    def delete_row(self, request: HttpRequest, row: Any) -> None:
        raise NotImplementedError

    def values_of(self, form: Any) -> Values:
        if isinstance(form, ServedForm):
            return form.values()
        names = form.changed_data if not form.instance._state.adding else form.cleaned_data
        return {name: form.cleaned_data[name] for name in names}

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        values = self.values_of(form)
        saved = self.change_row(request, obj, values) if change else self.add_row(request, values)
        obj.pk = saved.pk
        obj._state.adding = False
        obj.refresh_from_db()

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """The service has written what the form holds, relations too."""
        for formset in formsets:
            self.save_formset(request, form, formset, change=change)

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        self.delete_row(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        for row in queryset:
            self.delete_row(request, row)

    def answer_before_saving(self, request: HttpRequest, object_id: str | None) -> HttpResponse | None:
        """A page instead of the save that was asked for; None to save at once."""
        return None

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """What a service refuses although the form was valid, since somebody was quicker, is a message."""
        if request.method == "POST" and (answer := self.answer_before_saving(request, object_id)):
            return answer
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except DomainError as error:
            self.report_error(request, error)
            return HttpResponseRedirect(request.get_full_path())
