"""Clients, brands and memberships."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.admin import TabularInline
from unfold.contrib.filters.admin import AutocompleteSelectFilter, ChoicesDropdownFilter

from clients.models import Brand, Client, Membership
from foundation.admin.base import GlimpseAdmin


class BrandForm(forms.ModelForm):
    def clean_client(self) -> Any:
        """All that a brand's trackers reported would move with it."""
        client = self.cleaned_data["client"]
        if self.instance.pk and client.pk != self.instance.client_id and self.instance.runs.exists():
            raise forms.ValidationError(
                f"{self.instance.name} has production runs, so it stays with {self.instance.client}: add a brand of"
                f" that name to {client} instead."
            )
        return client


class BrandInline(TabularInline):
    model = Brand
    extra = 0
    show_change_link = True
    hide_title = True


class MembershipInline(TabularInline):
    model = Membership
    extra = 0
    autocomplete_fields = ("user", "client")
    hide_title = True


@admin.register(Client)
class ClientAdmin(GlimpseAdmin):
    empty_hint = "Add the first client, then its brand and production run."
    list_display = ("name", "created_at")
    search_fields = ("name",)
    inlines = (BrandInline, MembershipInline)


@admin.register(Brand)
class BrandAdmin(GlimpseAdmin):
    empty_hint = "A brand belongs to a client and has production runs."
    form = BrandForm
    list_display = ("name", "client")
    list_filter = (("client", AutocompleteSelectFilter),)
    list_select_related = ("client",)
    search_fields = ("name", "client__name")
    autocomplete_fields = ("client",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Brand]:
        return super().get_queryset(request).select_related("client")


@admin.register(Membership)
class MembershipAdmin(GlimpseAdmin):
    empty_hint = "A membership lets a user see one client's trackers."
    list_display = ("user", "client", "role")
    list_filter = (("client", AutocompleteSelectFilter), ("role", ChoicesDropdownFilter))
    list_select_related = ("user", "client")
    search_fields = ("user__username", "user__email", "client__name")
    autocomplete_fields = ("user", "client")
