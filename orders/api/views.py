"""Orders: clients place them, follow them and see their devices; ops allocate and ship in the admin."""

from typing import Any, ClassVar

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import PermissionDenied
from rest_framework.generics import ListAPIView, RetrieveAPIView, get_object_or_404
from rest_framework.request import Request
from rest_framework.response import Response

from clients.models import Membership, ProductionRun
from foundation.api.pagination import CursorPages, Key
from foundation.api.scoping import TenantScoped
from foundation.api.strict import Takes
from orders import lifecycle, selectors
from orders.api import filters, serializers
from orders.models import DeviceAllocation, Order
from orders.services import placing, releasing
from outbox.api.following import FollowedPages
from outbox.models import ChangedRow


class OrderPages(FollowedPages):
    """An order's row and the devices that it has."""

    kind = ChangedRow.Kind.ORDER


class OfOrders(TenantScoped):
    model = Order

    def narrow(self, visible: Any) -> Any:
        return visible.with_allocated().select_related("client", "run").order_by("-id")

    def managed(self, visible: Any) -> Any:
        """Only what belongs to clients of which the user is a manager. Staff act in the admin."""
        user: Any = self.request.user
        managed = user.memberships.filter(role=Membership.Role.MANAGER)
        return visible.of_clients(managed.values("client_id"))

    def refuse_viewers(self) -> None:
        user: Any = self.request.user
        if not user.memberships.filter(role=Membership.Role.MANAGER).exists():
            raise PermissionDenied("Only a manager of the client may do this.")


@extend_schema(tags=["orders"])
class OrdersView(OfOrders, ListAPIView):
    """The clients' orders, the latest first.

    To keep a copy, follow `changed_after`: an order comes again whenever it or its devices change.
    """

    serializer_class = serializers.OrderSerializer
    pagination_class = OrderPages
    filterset_class = filters.OrderFilters
    takes: ClassVar = {"post": Takes(body=serializers.NewOrderSerializer)}

    @extend_schema(
        operation_id="order_place",
        responses={200: serializers.OrderSerializer, 201: serializers.OrderSerializer},
    )
    def post(self, request: Request) -> Response:
        """Place an order for a production run of yours; ops allocate its devices and ship them.

        For managers of the client. Your reference makes it safe to send an order again: the same order with the same
        reference is answered with 200 and is not placed twice; another one with that reference is a conflict.
        """
        self.refuse_viewers()
        runs = self.managed(self.visible(ProductionRun)).select_related("brand__client")
        asked = self.given(context={"runs": runs})
        user: Any = request.user
        order, new = placing.place_once(**asked, actor=user, now=timezone.now())
        shown = self.get_serializer(self.get_queryset().get(pk=order.pk))
        return Response(shown.data, status=201 if new else 200)


@extend_schema(tags=["orders"])
class OrderView(OfOrders, RetrieveAPIView):
    """One order: its state, and how many devices it has of those ordered."""

    serializer_class = serializers.OrderSerializer


class OrderCancelView(OfOrders):
    serializer_class = serializers.OrderSerializer
    takes: ClassVar = {"post": Takes(body=serializers.CancellationSerializer)}

    @extend_schema(
        tags=["orders"],
        operation_id="order_cancel",
        responses=serializers.OrderSerializer,
    )
    def post(self, request: Request, pk: int) -> Response:
        """Cancel an order that is a draft or placed. Devices that it has already are returned to stock.

        For managers of the client. An order that is allocated in full is about to be shipped: ask ops.
        """
        order = self.get_object()
        if not self.managed(self.visible(Order)).filter(pk=pk).exists():
            raise PermissionDenied("Only a manager of the client may cancel its orders.")
        reason = self.given()["reason"]
        user: Any = request.user
        releasing.cancel_order(
            order=order,
            allowed=lifecycle.CANCEL_BY_CLIENT.comes_from,
            actor=user,
            reason=reason,
            now=timezone.now(),
        )
        return Response(self.get_serializer(self.get_object()).data)


@extend_schema(tags=["orders"])
class OrderDevicesView(TenantScoped, ListAPIView):
    """The devices that the order has, in the order of their allocation."""

    model = DeviceAllocation
    serializer_class = serializers.DeviceSerializer
    pagination_class = CursorPages
    cursor_keys = (Key("id", int, descending=False),)

    def narrow(self, visible: Any) -> Any:
        order = get_object_or_404(self.visible(Order), pk=self.kwargs["pk"])
        return selectors.devices_for_api(visible.filter(order=order))
