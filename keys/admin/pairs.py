"""Key pairs: their public side only. No list or search reaches a secret."""

import base64

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.contrib.filters.admin import AutocompleteSelectFilter

from foundation.admin.base import ReadOnlyAdmin
from keys.models import KeyPair
from trackers import selectors
from trackers.models import Tracker


@admin.register(KeyPair)
class KeyPairAdmin(ReadOnlyAdmin):
    empty_hint = "Key pairs appear here when a batch generates them."
    list_display = ("mac", "batch", "device_index", "key_index", "tracker")
    list_filter = (("batch", AutocompleteSelectFilter),)
    search_fields = ("mac", "hashed_key")
    search_help_text = "Lookup id, or MAC of the key or of its tracker"
    sortable_by = ()
    fields = ("batch", "device_index", "key_index", "mac", "public_key", "hashed_key", "tracker")

    def get_queryset(self, request: HttpRequest) -> QuerySet[KeyPair]:
        return super().get_queryset(request).select_related("batch", "tracker").defer("sealed_private_key")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[KeyPair], search_term: str
    ) -> tuple[QuerySet[KeyPair], bool]:
        term = search_term.strip()
        if not term:
            return queryset, False
        if by_hash := queryset.filter(hashed_key=term):
            return by_hash, False
        if by_mac := queryset.filter(mac=term.upper()):
            return by_mac, False
        found = selectors.find_trackers(Tracker.objects.all(), term)
        return queryset.filter(tracker__in=found.values("pk")), False

    @admin.display(description="advertisement key")
    def public_key(self, pair: KeyPair) -> str:
        return base64.b64encode(pair.advertisement_key).decode("ascii")
