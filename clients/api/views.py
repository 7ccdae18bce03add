"""Login, the user's own account, and whom Glimpse works for."""

from typing import Any, ClassVar

from django.contrib.auth import authenticate
from django.db.models import prefetch_related_objects
from drf_spectacular.utils import OpenApiResponse, extend_schema
from knox.models import get_token_model
from knox.settings import knox_settings
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.generics import ListAPIView, RetrieveAPIView
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from clients.api import serializers
from clients.api.authentication import TokenAuthentication
from clients.models import Brand, Client, ProductionRun
from foundation.api import filters
from foundation.api.scoping import TenantScoped
from foundation.api.strict import StrictInput, Takes
from foundation.api.throttles import LoginPerAddress, LoginPerUsername


class LoginView(StrictInput):
    authentication_classes = ()
    permission_classes = (AllowAny,)
    throttle_classes = (LoginPerAddress, LoginPerUsername)
    takes: ClassVar = {"post": Takes(body=serializers.CredentialsSerializer)}

    @extend_schema(
        tags=["account"],
        operation_id="login",
        responses=serializers.TokenSerializer,
    )
    def post(self, request: Request) -> Response:
        """Give a token for a user name and a password.

        Send it as `Authorization: Token <token>` until it expires. A user has at most 20 tokens: one more ends the
        oldest.
        """
        user = authenticate(request._request, **self.given())
        if user is None:
            raise AuthenticationFailed("User name and password don't match, or the account is not active.")
        token, secret = get_token_model().objects.create(user=user)
        tokens = get_token_model().objects.filter(user=user)
        kept = tokens.order_by("-created")[: knox_settings.TOKEN_LIMIT_PER_USER]
        tokens.exclude(pk__in=list(kept.values_list("pk", flat=True))).delete()
        answer = {"token": secret, "expires_at": token.expiry}
        return Response(serializers.TokenSerializer(answer).data, headers={"Cache-Control": "no-store"})

    def get_authenticate_header(self, request: Request) -> str:
        """A refused login is a 401, which has to name the scheme."""
        return "Token"


class LogoutView(StrictInput):
    authentication_classes = (TokenAuthentication,)

    @extend_schema(
        tags=["account"],
        operation_id="logout",
        responses={204: OpenApiResponse(description="Done.")},
    )
    def post(self, request: Request) -> Response:
        """End the token that this request carries."""
        request.auth.delete()
        return Response(status=204)


class LogoutAllView(StrictInput):
    authentication_classes = (TokenAuthentication,)

    @extend_schema(
        tags=["account"],
        operation_id="logout_all",
        responses={204: OpenApiResponse(description="Done.")},
    )
    def post(self, request: Request) -> Response:
        """End all tokens of the user."""
        get_token_model().objects.filter(user=request.user).delete()
        return Response(status=204)


class MeView(StrictInput):
    @extend_schema(tags=["account"], operation_id="me", responses=serializers.MeSerializer)
    def get(self, request: Request) -> Response:
        """The user, the clients that it belongs to, and its role there. Staff see every client."""
        user: Any = request.user
        prefetch_related_objects([user], "memberships__client")
        return Response(serializers.MeSerializer(user).data)


@extend_schema(tags=["clients"])
class ClientsView(TenantScoped, ListAPIView):
    """The clients that the user belongs to; all of them for staff."""

    model = Client
    serializer_class = serializers.ClientSerializer
    filterset_class = filters.ClientFilters

    def narrow(self, visible: Any) -> Any:
        return visible.order_by("name")


@extend_schema(tags=["clients"])
class ClientView(TenantScoped, RetrieveAPIView):
    """One client."""

    model = Client
    serializer_class = serializers.ClientSerializer


@extend_schema(tags=["clients"])
class BrandsView(TenantScoped, ListAPIView):
    """The clients' brands."""

    model = Brand
    serializer_class = serializers.BrandSerializer
    filterset_class = filters.BrandFilters

    def narrow(self, visible: Any) -> Any:
        return visible.select_related("client").order_by("client__name", "name")


@extend_schema(tags=["clients"])
class BrandView(TenantScoped, RetrieveAPIView):
    """One brand."""

    model = Brand
    serializer_class = serializers.BrandSerializer

    def narrow(self, visible: Any) -> Any:
        return visible.select_related("client")


@extend_schema(tags=["clients"])
class RunsView(TenantScoped, ListAPIView):
    """Production runs, the latest first: campaigns of shipments with their dates and their presence policy."""

    model = ProductionRun
    serializer_class = serializers.RunSerializer
    filterset_class = filters.RunFilters

    def narrow(self, visible: Any) -> Any:
        return visible.select_related("brand__client").order_by("-start_date", "-id")


@extend_schema(tags=["clients"])
class RunView(TenantScoped, RetrieveAPIView):
    """One production run."""

    model = ProductionRun
    serializer_class = serializers.RunSerializer

    def narrow(self, visible: Any) -> Any:
        return visible.select_related("brand__client")
