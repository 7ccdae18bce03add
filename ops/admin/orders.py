"""Orders with the analytics of their trackers."""

from django.http import HttpRequest

from ops.admin.analytics import AnalyticsAdmin, Subject, of_assignments
from ops.admin.composing import composed
from orders import selectors
from orders.admin.orders import OrderAdmin
from orders.models import Order
from trackers.models import Assignment


@composed(Order)
class AnalysedOrderAdmin(AnalyticsAdmin, OrderAdmin):
    def subject(self, request: HttpRequest, row: Order) -> Subject:
        mine = selectors.assignments_of(row, Assignment.objects.visible_to(request.user))
        return of_assignments(mine, request, run=row.run)
