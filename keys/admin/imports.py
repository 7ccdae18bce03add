"""Device imports in the admin: upload a file, look at what would happen row by row, confirm, and watch.

One way for files of any size: the rows wait in our own table with their private keys sealed, so that nothing of an
upload is kept in clear between the preview and the import.
"""

from datetime import datetime
from typing import Any, ClassVar, cast

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.widgets import AutocompleteSelect
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from unfold.contrib.filters.admin import AutocompleteSelectFilter, ChoicesDropdownFilter
from unfold.widgets import UnfoldAdminFileFieldWidget, UnfoldBooleanSwitchWidget

from clients.models import User
from foundation.admin import fields
from foundation.admin.addresses import one_of, whole_number
from foundation.admin.base import ReadOnly, ago_column, badge_column
from foundation.admin.progress import Progress, ProgressAdmin
from foundation.admin.steps import Rows, Step
from foundation.errors import DomainError
from keys import device_files, lifecycle, selectors, tasks
from keys.models import DeviceImport, DeviceImportRow, KeyBatch
from keys.services import importing, staging

ROWS_PER_PAGE = 100

State = DeviceImport.State
Outcome = DeviceImportRow.Outcome


class UploadForm(forms.Form):
    file = forms.FileField(
        widget=UnfoldAdminFileFieldWidget,
        help_text="CSV (comma, semicolon or tab) or JSON, in UTF-8. Columns: mac, serial, key; and, if there are any,"
        " key_index, hashed_key, firmware, hardware_revision, manufactured_at. A fleet that exists already also brings"
        " private_key and production_run; or send its file of macless-haystack, OpenHaystack or FindMy.py as it is.",
    )
    batch = forms.ModelChoiceField(
        KeyBatch.objects.all(),
        required=False,
        widget=AutocompleteSelect(DeviceImport._meta.get_field("batch"), admin.site),
        help_text="If all devices have to be of one key batch.",
    )


class ConfirmForm(forms.Form):
    accept_mac_mismatch = forms.BooleanField(
        label="Accept other MACs",
        required=False,
        widget=UnfoldBooleanSwitchWidget,
        help_text="Also import the devices that were rejected only because their MAC is not one that their keys imply."
        " Choose this if the firmware has an address of its own.",
    )


def _explain_confirm(rows: Rows) -> str:
    devices = sum(selectors.valid_devices(row) for row in rows)
    rejected = sum(row.rejected for row in rows)
    warned = sum(row.warned for row in rows)
    return (
        f"{devices:,} devices are received into stock and linked with their keys. {rejected:,} rejected rows are left"
        " out; they can be downloaded, fixed and sent again."
        + (f" {warned:,} rows have warnings: look at them before." if warned else "")
    )


def _confirm(rows: Rows, values: dict[str, Any], actor: User, now: datetime) -> str:
    for row in rows:
        importing.confirm(
            device_import=row, accept_mac_mismatch=values["accept_mac_mismatch"], actor=actor, now=now
        )
    tasks.continue_device_imports.delay_on_commit()  # type: ignore[attr-defined]
    return "The import goes on in the background."


def _cancel(rows: Rows, values: dict[str, Any], actor: User, now: datetime) -> str:
    for row in rows:
        importing.cancel(device_import=row, actor=actor, now=now)
    return "Cancelled."


@admin.register(DeviceImport)
class DeviceImportAdmin(ReadOnly, ProgressAdmin):
    empty_hint = (
        "Upload the file of devices that a manufacturer sends back: you see every row before it is imported."
    )
    page_parameters: ClassVar = {"change": (one_of("show", ("", *Outcome.values)), whole_number("after"))}
    list_display = (
        "file_name",
        "state_badge",
        "total",
        "imported",
        "unchanged",
        "rejected",
        "warned",
        "manufacturer",
        "created",
        "created_by",
    )
    list_filter = (("state", ChoicesDropdownFilter), ("manufacturer", AutocompleteSelectFilter))
    list_select_related = ("manufacturer", "created_by")
    search_fields = ("file_name", "sha256")
    sortable_by = ()
    step_columns = ("file_name", "total", "valid", "unchanged", "rejected")
    change_form_outer_after_template = "admin/keys/import_rows.html"
    steps = (
        Step(
            name="confirm",
            title="Import the valid rows",
            button="Import",
            icon="check",
            explain=_explain_confirm,
            perform=_confirm,
            form_class=ConfirmForm,
            offered=lambda row: row.state in lifecycle.CONFIRM.comes_from and row.valid + row.rejected > 0,
        ),
        Step(
            name="cancel",
            title="Cancel the import",
            button="Cancel the import",
            icon="close",
            explain=lambda rows: "The rows that wait are dropped. Devices already received stay in stock.",
            perform=_cancel,
            offered=lambda row: row.state in lifecycle.CANCEL_IMPORT.comes_from,
            dangerous=True,
        ),
    )

    state_badge = badge_column("state", "state")
    created = ago_column("created_at", "uploaded")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("keys.add_deviceimport")

    def get_fields(self, request: HttpRequest, obj: DeviceImport | None = None) -> Any:
        told = tuple(name for name in ("failure", "passed_over") if obj and getattr(obj, name))
        return (
            *told,
            ("file_name", "batch"),
            ("manufacturer", "accept_mac_mismatch"),
            ("created_at", "created_by"),
            ("ended_at", "confirmed_by"),
            "sha256",
        )

    def progress(self, row: DeviceImport) -> Progress:
        made = f" ({row.devices:,} devices)" if row.devices < row.imported else ""
        warned = f" {row.warned:,} rows have warnings." if row.warned else ""
        counts = (
            f"{row.imported:,} imported{made}, {row.unchanged:,} unchanged, {row.rejected:,} rejected of {row.total:,}."
            f"{warned}"
        )
        if row.state == State.QUEUED:
            return Progress(
                row.checked, row.total, f"{row.checked:,} of {row.total:,} rows checked.", running=True
            )
        if row.state == State.CHECKED:
            text = (
                f"Nothing is imported yet: {row.valid:,} rows can be, {row.unchanged:,} are in stock already,"
                f" {row.rejected:,} are rejected.{warned}"
            )
            return Progress(row.total, row.total, text, running=False)
        if row.state == State.IMPORTING:
            text = f"{row.imported:,} of {row.valid:,} rows imported."
            return Progress(row.imported, row.valid, text, running=True)
        return Progress(row.imported + row.unchanged + row.rejected, row.total, counts, running=False)

    def get_urls(self) -> list[URLPattern]:
        @csrf_exempt
        def upload(request: HttpRequest) -> HttpResponse:
            return self.upload_view(request)

        return [
            path("add/", self.admin_site.admin_view(upload), name=self._url_name("add")),
            path(
                "<int:pk>/rejects.csv",
                self.admin_site.admin_view(self.rejects_view),
                name=self._url_name("rejects"),
            ),
            *super().get_urls(),
        ]

    def row_context(self, request: HttpRequest, row: DeviceImport) -> dict[str, Any]:
        return super().row_context(request, row) | _preview(row, request.GET)

    def upload_view(self, request: HttpRequest) -> HttpResponse:
        """Asks nothing of the body before its size is known; so it checks for forgery itself, later."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        if request.method == "POST":
            try:
                device_files.prepare(request)
                device_files.require_length(request)
            except DomainError as error:
                return self._upload_page(request, UploadForm(), error)
        return self._upload(request)

    @method_decorator(csrf_protect)
    def _upload(self, request: HttpRequest) -> HttpResponse:
        if request.method != "POST":
            return self._upload_page(request, UploadForm())
        form = UploadForm(request.POST, request.FILES)
        if unused := [*fields.problems(request, form)]:
            for problem in unused:
                self.message_user(request, f"{problem} Nothing was uploaded.", messages.ERROR)
            return self._upload_page(request, form, status=400)
        if not form.is_valid():
            return self._upload_page(request, form)
        try:
            device_import = self._receive(request, form.cleaned_data)
        except DomainError as error:
            return self._upload_page(request, form, error)
        if not importing.continue_small(device_import=device_import, now=timezone.now()):
            tasks.continue_device_imports.delay_on_commit()  # type: ignore[attr-defined]
        return HttpResponseRedirect(reverse(f"admin:{self._url_name('change')}", args=[device_import.pk]))

    def _receive(self, request: HttpRequest, values: dict[str, Any]) -> DeviceImport:
        file = values["file"]
        return staging.receive(
            content=device_files.content_of(file),
            file_name=file.name,
            batch=values["batch"],
            manufacturer=None,
            accept_mac_mismatch=False,
            confirmed=False,
            actor=cast(User, request.user),
            now=timezone.now(),
        )

    def _upload_page(
        self, request: HttpRequest, form: forms.Form, error: DomainError | None = None, status: int = 200
    ) -> HttpResponse:
        if error:
            self.report_error(request, error)
            status = error.status
        context = {
            **self.admin_site.each_context(request),
            "title": "Import devices",
            "opts": self.opts,
            "media": self.media + form.media,
            "form": form,
            "back": reverse(f"admin:{self._url_name('changelist')}"),
        }
        return render(request, "admin/keys/upload.html", context, status=status)

    def rejects_view(self, request: HttpRequest, pk: int) -> StreamingHttpResponse:
        row = self.get_object(request, str(pk))
        if row is None or not self.has_view_permission(request, row):
            raise Http404
        return device_files.rejects_response(row)


def _preview(device_import: DeviceImport, asked: Any) -> dict[str, Any]:
    """A page of the rows that are still kept, of one outcome or all, after the row `after`."""
    rows = device_import.rows.order_by("number")
    outcome = asked.get("show", "")
    if outcome in Outcome.values:
        rows = rows.filter(outcome=outcome)
    after = asked.get("after", "")
    if after.isascii() and after.isdigit() and len(after) < 10:
        rows = rows.filter(number__gt=int(after))
    page = list(rows.defer("advertisement_key", "sealed_private_key")[: ROWS_PER_PAGE + 1])
    counts = {
        Outcome.REJECTED: device_import.rejected,
        Outcome.VALID: 0 if device_import.ended_at else device_import.valid - device_import.imported,
        Outcome.UNCHANGED: 0 if device_import.ended_at else device_import.unchanged,
    }
    return {
        "import_rows": page[:ROWS_PER_PAGE],
        "next_after": page[ROWS_PER_PAGE - 1].number if len(page) > ROWS_PER_PAGE else None,
        "show": outcome,
        "tabs": [(each.value, each.label, number) for each, number in counts.items() if number],
        "reasons": selectors.reasons_of(device_import),
        "warnings": selectors.warnings_of(device_import),
        "rejects_url": reverse("admin:keys_deviceimport_rejects", args=[device_import.pk]),
    }
