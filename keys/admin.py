"""Key batches and key pairs: their public side only. No form, list or search reaches a secret."""

import base64

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.contrib.filters.admin import AutocompleteSelectFilter, ChoicesDropdownFilter

from clients.admin.base import GlimpseAdmin, ReadOnlyAdmin, ago_column, badge_column
from keys.models import KeyBatch, KeyPair, Manufacturer
from trackers.admin import searching
from trackers.models import Tracker


@admin.register(Manufacturer)
class ManufacturerAdmin(GlimpseAdmin):
    empty_hint = "Add a manufacturer and its users, and give it key batches to make devices from."
    list_display = ("name", "created_at")
    search_fields = ("name",)
    autocomplete_fields = ("users",)


@admin.register(KeyBatch)
class KeyBatchAdmin(ReadOnlyAdmin):
    empty_hint = "A batch of key pairs is made before devices are manufactured."
    list_display = ("label", "state_badge", "progress", "keys_per_device", "created", "created_by")
    list_filter = (("state", ChoicesDropdownFilter),)
    list_select_related = ("created_by",)
    search_fields = ("label",)
    sortable_by = ("label",)
    fields = (
        "label",
        "state",
        "progress",
        "keys_per_device",
        "note",
        "created_at",
        "created_by",
        "generated_at",
    )

    state_badge = badge_column("state", "state")
    created = ago_column("created_at", "created")

    @admin.display(description="devices with keys")
    def progress(self, batch: KeyBatch) -> str:
        return f"{batch.generated_devices:,} of {batch.devices:,}"


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
        found = searching.find_trackers(Tracker.objects.all(), term)
        return queryset.filter(tracker__in=found.values("pk")), False

    @admin.display(description="advertisement key")
    def public_key(self, pair: KeyPair) -> str:
        return base64.b64encode(pair.advertisement_key).decode("ascii")
