"""Clients with the analytics of their trackers."""

from django.http import HttpRequest

from clients.admin.clients import ClientAdmin
from clients.models import Client
from ops.admin.analytics import AnalyticsAdmin
from ops.admin.composing import composed
from trackers.models import Assignment
from trackers.pages import analytics
from trackers.pages.analytics import Subject


@composed(Client)
class ComposedClientAdmin(AnalyticsAdmin, ClientAdmin):
    def subject(self, request: HttpRequest, row: Client) -> Subject:
        mine = Assignment.objects.visible_to(request.user).filter(run__brand__client=row)
        return analytics.of_assignments(mine, user=request.user)
