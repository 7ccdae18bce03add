"""Alerts of the clients' trackers; site outages are for staff."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.generics import ListAPIView, RetrieveAPIView

from foundation.api.scoping import TenantScoped
from outbox.api.following import FollowedPages
from outbox.models import ChangedRow
from trackers.analytics import alerts
from trackers.api.alerts import filters, serializers
from trackers.models import Alert


class AlertPages(FollowedPages):
    kind = ChangedRow.Kind.ALERT


class AlertsScoped(TenantScoped):
    model = Alert
    serializer_class = serializers.AlertSerializer

    def narrow(self, visible: Any) -> Any:
        return alerts.for_page(visible).order_by("-began_at", "-pk")


@extend_schema(tags=["alerts"])
class AlertsView(AlertsScoped, ListAPIView):
    """What looks wrong with a tracker's shipment, or for staff with a whole location; the latest to begin first.

    Later reports may move, end or retract an alert. To keep a copy, follow `changed_after`: retracted ones come with
    their `retracted_at`.
    """

    filterset_class = filters.AlertFilters
    pagination_class = AlertPages


@extend_schema(tags=["alerts"])
class AlertView(AlertsScoped, RetrieveAPIView):
    """One alert, also one that was retracted."""
