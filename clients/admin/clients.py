"""Clients, brands and memberships. `ops` has them written by the services that also tell the facts."""

from typing import cast

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from unfold.admin import TabularInline
from unfold.contrib.filters.admin import AutocompleteSelectFilter, ChoicesDropdownFilter

from clients.models import Brand, Client, Membership, User
from clients.services import tenants
from foundation.admin.served import ServedAdmin, ServedForm, Values


class BrandForm(ServedForm):
    def refuse_invalid(self, stored: Brand | None, values: Values) -> None:
        tenants.refuse_invalid_brand(stored, values)


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
class ClientAdmin(ServedAdmin):
    empty_hint = "Add the first client, then its brand and production run."
    list_display = ("name", "created_at")
    search_fields = ("name",)
    inlines = (BrandInline, MembershipInline)

    def add_row(self, request: HttpRequest, values: Values) -> Model:
        return tenants.add_client(**values, actor=acting_user(request), now=timezone.now())

    def change_row(self, request: HttpRequest, row: Client, values: Values) -> Model:
        if not values:
            return row
        return tenants.change_client(client=row, actor=acting_user(request), **values)

    def delete_row(self, request: HttpRequest, row: Client) -> None:
        tenants.delete_client(client=row, actor=acting_user(request))


@admin.register(Brand)
class BrandAdmin(ServedAdmin):
    empty_hint = "A brand belongs to a client and has production runs."
    form = BrandForm
    list_display = ("name", "client")
    list_filter = (("client", AutocompleteSelectFilter),)
    list_select_related = ("client",)
    search_fields = ("name", "client__name")
    autocomplete_fields = ("client",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Brand]:
        return super().get_queryset(request).select_related("client")

    def add_row(self, request: HttpRequest, values: Values) -> Model:
        return tenants.add_brand(**values, actor=acting_user(request))

    def change_row(self, request: HttpRequest, row: Brand, values: Values) -> Model:
        return tenants.change_brand(brand=row, actor=acting_user(request), **values)

    def delete_row(self, request: HttpRequest, row: Brand) -> None:
        tenants.delete_brand(brand=row, actor=acting_user(request))


@admin.register(Membership)
class MembershipAdmin(ServedAdmin):
    empty_hint = "A membership lets a user see one client's trackers."
    list_display = ("user", "client", "role")
    list_filter = (("client", AutocompleteSelectFilter), ("role", ChoicesDropdownFilter))
    list_select_related = ("user", "client")
    search_fields = ("user__username", "user__email", "client__name")
    autocomplete_fields = ("user", "client")

    def add_row(self, request: HttpRequest, values: Values) -> Model:
        return tenants.grant_membership(**values, actor=acting_user(request))

    def change_row(self, request: HttpRequest, row: Membership, values: Values) -> Model:
        return tenants.change_membership(membership=row, actor=acting_user(request), **values)

    def delete_row(self, request: HttpRequest, row: Membership) -> None:
        tenants.revoke_membership(membership=row, actor=acting_user(request))


def acting_user(request: HttpRequest) -> User:
    """Who is signed in: nobody else gets to a page of the admin."""
    return cast(User, request.user)
