"""Orders with the analytics of their trackers."""

from django.http import HttpRequest

from ops.admin.analytics import AnalyticsAdmin
from ops.admin.composing import composed
from orders import selectors
from orders.admin.orders import OrderAdmin
from orders.models import Order
from trackers.models import Assignment
from trackers.pages import analytics
from trackers.pages.analytics import Subject


@composed(Order)
class ComposedOrderAdmin(AnalyticsAdmin, OrderAdmin):
    def subject(self, request: HttpRequest, row: Order) -> Subject:
        mine = selectors.assignments_of(row, Assignment.objects.visible_to(request.user))
        return analytics.of_assignments(mine, user=request.user, run=row.run)
