"""What the admins of all apps share: the theme's ModelAdmin, made fit for tables of millions of rows."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.contrib.admin import ShowFacets
from django.contrib.admin.utils import unquote
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from unfold.admin import ModelAdmin
from unfold.paginator import InfinitePaginator

from foundation.admin import audit, display, fields
from foundation.admin.addresses import PageParameter
from foundation.errors import DomainError


class GlimpseAdmin(ModelAdmin):
    """No page counts a table: lists page by "next", in the order of an index."""

    # What the empty list says to do next.
    empty_hint: ClassVar[str] = ""
    # What a page reads from its address, by the page's name: `change`, `analytics`. Subclasses add to it.
    page_parameters: ClassVar[Mapping[str, Sequence[PageParameter]]] = {}
    list_per_page = 50
    list_filter_submit = True
    list_disable_select_all = True
    paginator = InfinitePaginator
    show_full_result_count = False
    show_facets = ShowFacets.NEVER
    ordering: ClassVar[Sequence[str] | None] = ("-pk",)
    compressed_fields = True
    warn_unsaved_form = True

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Nothing is saved of a form with a field that nothing would read."""
        if request.method == "POST" and (unused := [*self._unused_fields(request, object_id)]):
            for problem in unused:
                self.message_user(request, f"{problem} Nothing was saved.", messages.ERROR)
            return HttpResponseRedirect(request.get_full_path())
        return super().changeform_view(request, object_id, form_url, extra_context)

    def _unused_fields(self, request: HttpRequest, object_id: str | None) -> Iterator[str]:
        """Of those who may save; for others Django has its own answer."""
        row = self.get_object(request, unquote(object_id)) if object_id else None
        may_save = self.has_change_permission(request, row) if object_id else self.has_add_permission(request)
        if not may_save or (object_id and row is None):
            return
        form = self.get_form(request, row, change=row is not None)(instance=row)
        inlines = self.get_formsets_with_inlines(request, row)
        prefixes = [formset.get_default_prefix() for formset, _ in inlines]
        # What the row has and nobody may change here stays as it is, whoever sends it.
        of_row = {field.name for field in self.opts.get_fields()} | {*self.get_readonly_fields(request, row)}
        yield from fields.unknown_to(request, form, prefixes, of_row)

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        row = self.get_object(request, object_id)
        if row is None or not self.has_view_permission(request, row) or audit.table_of(self.model) is None:
            return super().history_view(request, object_id, extra_context)
        entries = audit.entries_of(row)
        context = {
            **self.admin_site.each_context(request),
            "title": f"History of {row}",
            "opts": self.opts,
            "object": row,
            "now": timezone.now(),
            "entries": entries,
            "full": len(entries) == audit.PER_PAGE,
            "back": reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_change", args=[row.pk]),
        }
        return render(request, "admin/row_history.html", context)

    def report_error(self, request: HttpRequest, error: DomainError) -> None:
        self.message_user(request, error.message, messages.ERROR)


class ReadOnly:
    """Rows that services or the pipeline write."""

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class ReadOnlyAdmin(ReadOnly, GlimpseAdmin):
    """Shown to those who may view; nobody adds, changes or deletes."""


def ago_column(field: str, title: str) -> Any:
    """A column that says how long ago the row's `field` was, and sorts by it."""

    @admin.display(description=title, ordering=field)
    def column(self: Any, obj: Model) -> Any:
        return display.ago(getattr(obj, field))

    return column


def badge_column(field: str, title: str) -> Any:
    """A column with the coloured label of a field that has choices."""

    @admin.display(description=title)
    def column(self: Any, obj: Model) -> Any:
        code = getattr(obj, field)
        return display.badge(code, getattr(obj, f"get_{field}_display")()) if code else "–"

    return column
