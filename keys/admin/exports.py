"""What was written for manufacturers: look it up, and download it again."""

from typing import cast

from django.contrib import admin
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, StreamingHttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import AutocompleteSelectFilter

from clients.models import User
from foundation.admin.base import ReadOnlyAdmin, ago_column
from keys.downloads import export_response
from keys.models import ManufacturerExport
from keys.services import exporting


def download_url(export: ManufacturerExport) -> str:
    return reverse("admin:keys_manufacturerexport_download", args=[export.pk])


@admin.register(ManufacturerExport)
class ManufacturerExportAdmin(ReadOnlyAdmin):
    empty_hint = "Open a key batch and export it: each export is kept here with its checksum."
    list_display = ("__str__", "keys", "checksum", "created", "created_by", "acknowledged", "download")
    list_filter = (("batch", AutocompleteSelectFilter),)
    search_fields = ("sha256",)
    search_help_text = "SHA-256 of the file"
    sortable_by = ()
    fields = (
        "batch",
        "format",
        "rows",
        "size_bytes",
        "sha256",
        ("created_at", "created_by"),
        ("acknowledged_at", "acknowledged_by"),
        "download",
    )
    readonly_fields = ("download",)

    created = ago_column("created_at", "exported")
    acknowledged = ago_column("acknowledged_at", "acknowledged")

    def get_queryset(self, request: HttpRequest) -> QuerySet[ManufacturerExport]:
        return super().get_queryset(request).select_related("batch", "created_by", "acknowledged_by")

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.download_view)
        return [
            path("<int:pk>/download/", view, name="keys_manufacturerexport_download"),
            *super().get_urls(),
        ]

    def download_view(self, request: HttpRequest, pk: int) -> StreamingHttpResponse:
        export = self.get_object(request, str(pk))
        if export is None or not self.has_view_permission(request, export):
            raise Http404
        return export_response(export, actor=cast(User, request.user))

    @admin.display(description="keys")
    def keys(self, export: ManufacturerExport) -> str:
        return f"{export.rows:,}"

    @admin.display(description="SHA-256")
    def checksum(self, export: ManufacturerExport) -> SafeString:
        return format_html('<code title="{}">{}…</code>', export.sha256, export.sha256[:12])

    @admin.display(description="file")
    def download(self, export: ManufacturerExport) -> SafeString:
        return format_html(
            '<a class="underline" href="{}">{}</a>', download_url(export), exporting.file_name(export)
        )
