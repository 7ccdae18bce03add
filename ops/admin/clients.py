"""Clients with the analytics of their trackers; brands and memberships. Changes of all are told as facts."""

from django.db.models import Model
from django.http import HttpRequest
from django.utils import timezone

from clients.admin.clients import BrandAdmin, ClientAdmin, MembershipAdmin, acting_user
from clients.models import Brand, Client, Membership
from foundation.admin.served import Values
from ops.admin.analytics import AnalyticsAdmin
from ops.admin.composing import composed
from trackers.models import Assignment
from trackers.pages import analytics
from trackers.pages.analytics import Subject
from trackers.services.changes import tenants


@composed(Client)
class ComposedClientAdmin(AnalyticsAdmin, ClientAdmin):
    def subject(self, request: HttpRequest, row: Client) -> Subject:
        mine = Assignment.objects.visible_to(request.user).filter(run__brand__client=row)
        return analytics.of_assignments(mine, user=request.user)

    def add_row(self, request: HttpRequest, values: Values) -> Model:
        return tenants.add_client(**values, actor=acting_user(request), now=timezone.now())

    def change_row(self, request: HttpRequest, row: Client, values: Values) -> Model:
        if not values:
            return row
        return tenants.change_client(client=row, actor=acting_user(request), now=timezone.now(), **values)

    def delete_row(self, request: HttpRequest, row: Client) -> None:
        tenants.delete_client(client=row, actor=acting_user(request), now=timezone.now())


@composed(Brand)
class ComposedBrandAdmin(BrandAdmin):
    def add_row(self, request: HttpRequest, values: Values) -> Model:
        return tenants.add_brand(**values, actor=acting_user(request), now=timezone.now())

    def change_row(self, request: HttpRequest, row: Brand, values: Values) -> Model:
        if not values:
            return row
        return tenants.change_brand(brand=row, actor=acting_user(request), now=timezone.now(), **values)

    def delete_row(self, request: HttpRequest, row: Brand) -> None:
        tenants.delete_brand(brand=row, actor=acting_user(request), now=timezone.now())


@composed(Membership)
class ComposedMembershipAdmin(MembershipAdmin):
    def add_row(self, request: HttpRequest, values: Values) -> Model:
        return tenants.grant_membership(**values, actor=acting_user(request), now=timezone.now())

    def change_row(self, request: HttpRequest, row: Membership, values: Values) -> Model:
        if not values:
            return row
        return tenants.change_membership(
            membership=row, actor=acting_user(request), now=timezone.now(), **values
        )

    def delete_row(self, request: HttpRequest, row: Membership) -> None:
        tenants.revoke_membership(membership=row, actor=acting_user(request), now=timezone.now())
