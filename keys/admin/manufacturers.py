"""Manufacturers, and who works for them."""

from django.contrib import admin

from foundation.admin.base import GlimpseAdmin
from keys.models import Manufacturer


@admin.register(Manufacturer)
class ManufacturerAdmin(GlimpseAdmin):
    empty_hint = "Add a manufacturer and its users, and give it key batches to make devices from."
    list_display = ("name", "created_at")
    search_fields = ("name",)
    autocomplete_fields = ("users",)
