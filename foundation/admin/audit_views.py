"""The page over all audit tables."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from foundation.admin import audit


class AuditFilterForm(forms.Form):
    kind = forms.ChoiceField(required=False, widget=UnfoldAdminSelectWidget)
    who = forms.CharField(required=False, widget=UnfoldAdminTextInputWidget, label="User name")
    before = forms.IntegerField(required=False, min_value=1, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        kinds = [(name, str(table._meta.verbose_name)[9:]) for name, table in audit.tables().items()]
        self.fields["kind"].choices = [("", "Everything"), *kinds]  # type: ignore[attr-defined]

    def clean_who(self) -> Any:
        name = self.cleaned_data["who"].strip()
        if not name:
            return None
        user = get_user_model().objects.filter(username__iexact=name).first()
        if user is None:
            raise forms.ValidationError(f"Nobody has the user name {name}.")
        return user


def _is_full(entries: list[audit.Entry]) -> bool:
    return sum(1 + entry.others for entry in entries) == audit.PER_PAGE


def audit_log(request: HttpRequest) -> HttpResponse:
    if not request.user.has_perm("admin.view_logentry"):
        raise PermissionDenied
    form = AuditFilterForm(request.GET)
    chosen, entries = "", []
    if form.is_valid():
        chosen, who = form.cleaned_data["kind"], form.cleaned_data["who"]
        tables = audit.tables()
        entries = audit.latest_entries(
            [tables[chosen]] if chosen else tables.values(),
            before=form.cleaned_data["before"] if chosen else None,
            user=who.pk if who else None,
        )
    context = {
        **admin.site.each_context(request),
        "title": "Audit log",
        "now": timezone.now(),
        "form": form,
        "entries": entries,
        "chosen": chosen,
        "older": entries[-1].pk if chosen and _is_full(entries) else None,
        "searched": audit.SEARCHED,
    }
    return render(request, "admin/audit_log.html", context)
