"""Facts as they were published: read only, and never counted."""

import json
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from unfold.contrib.filters.admin import AutocompleteSelectFilter, DropdownFilter

from foundation.admin.base import ReadOnlyAdmin, ago_column
from outbox.facts import FactType
from outbox.models import Fact


class TypeFilter(DropdownFilter):
    title = "type"
    parameter_name = "type"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(type_.value, type_.label) for type_ in FactType]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(type=self.value()) if self.value() else queryset


@admin.register(Fact)
class FactAdmin(ReadOnlyAdmin):
    """Latest first. The search is for a whole subject, which the table's key begins with."""

    empty_hint = "Facts appear when a tracker's status, an alert, an order or a run changes."
    list_display = ("type", "subject", "sequence", "client", "occurred_at", "recorded")
    list_filter = (TypeFilter, ("client", AutocompleteSelectFilter))
    list_select_related = ("client",)
    sortable_by = ()
    search_fields = ("=subject",)
    search_help_text = "Subject: tracker/123"
    fields = ("type", "subject", "sequence", "client", "occurred_at", "recorded_at", "data_as_text")
    recorded = ago_column("recorded_at", "recorded")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        term = search_term.strip()
        return (queryset.filter(subject=term) if term else queryset), False

    @admin.display(description="data")
    def data_as_text(self, fact: Fact) -> str:
        return format_html("<pre>{}</pre>", json.dumps(fact.data, indent=2, ensure_ascii=False))
