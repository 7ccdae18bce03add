"""Everything under /api/v1/."""

from django.http import HttpResponseBase, HttpResponsePermanentRedirect
from django.urls import Resolver404, include, path, re_path, resolve
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView
from rest_framework.exceptions import NotFound
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.views import APIView

from foundation.api.strict import StrictInput

app_name = "api"


@extend_schema(exclude=True)
class UnknownPathView(APIView):
    """The API's own 404. A path that only lacks its last slash is sent there, its parameters with it."""

    authentication_classes = ()
    permission_classes = (AllowAny,)

    def initial(self, request: Request, *args: object, **kwargs: object) -> None:
        super().initial(request, *args, **kwargs)
        if not self.lacks_only_a_slash(request):
            raise NotFound("There is nothing at this address; see /api/v1/docs/.")

    def get(self, request: Request, *args: object, **kwargs: object) -> HttpResponseBase:
        return HttpResponsePermanentRedirect(request._request.get_full_path(force_append_slash=True))

    def lacks_only_a_slash(self, request: Request) -> bool:
        try:
            return resolve(f"{request.path_info}/").url_name != "unknown"
        except Resolver404:
            return False


class SchemaView(StrictInput, SpectacularAPIView):
    """The OpenAPI schema."""


class DocsView(StrictInput, SpectacularSwaggerView):
    """The page to read and try it."""


urlpatterns = [
    path("", include("clients.api.urls")),
    path("", include("locations.api.urls")),
    path("", include("trackers.api.urls")),
    path("", include("trackers.api.alerts.urls")),
    path("", include("trackers.api.changes.urls")),
    path("", include("keys.api.urls")),
    path("", include("orders.api.urls")),
    path("", include("keys.api.device_imports.urls")),
    path("schema/", SchemaView.as_view(), name="schema"),
    path("docs/", DocsView.as_view(url_name="api:schema"), name="docs"),
    re_path(r"^.*$", UnknownPathView.as_view(), name="unknown"),
]
