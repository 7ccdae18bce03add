from typing import Any

from django.db.models import Prefetch
from drf_spectacular.utils import extend_schema
from rest_framework.generics import ListAPIView, RetrieveAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from clients.models import ProductionRun
from foundation.api.scoping import TenantScoped
from locations import geojson
from locations.api import serializers
from locations.api.filters import LocationFilters
from locations.api.geojson import GeoJsonRenderer
from locations.models import Location
from outbox.api.following import FollowedPages
from outbox.models import ChangedRow


class LocationPages(FollowedPages):
    """A location's row, its fence and the runs that it serves."""

    kind = ChangedRow.Kind.LOCATION
    unfollowable = (*FollowedPages.unfollowable, "active")


class LocationScoped(TenantScoped):
    model = Location
    serializer_class = serializers.LocationSerializer

    def narrow(self, visible: Any) -> Any:
        """A location may serve several clients: each sees only its own runs of it."""
        runs = self.visible(ProductionRun).order_by("pk")
        cut_area = geojson.geometry(geojson.CutAtTheDateLine("area"), digits=geojson.ALL_DIGITS)
        rows = visible.prefetch_related(Prefetch("runs", runs)).annotate(cut_area=cut_area)
        return rows.defer("area", "fence").order_by("name", "pk")


@extend_schema(tags=["locations"])
class LocationsView(LocationScoped, ListAPIView):
    """Storage and delivery locations: circles, or areas where one is drawn. To keep a copy, follow `changed_after`."""

    pagination_class = LocationPages
    filterset_class = LocationFilters


@extend_schema(tags=["locations"])
class LocationView(LocationScoped, RetrieveAPIView):
    """One location."""


class LocationsGeoJsonView(TenantScoped):
    model = Location
    filterset_class = LocationFilters
    pagination_class = None
    renderer_classes = (GeoJsonRenderer,)

    @extend_schema(
        tags=["locations"],
        operation_id="locations_geojson",
        responses=serializers.LocationCollectionSerializer,
    )
    def get(self, request: Request) -> Response:
        """Locations as GeoJSON, at most 10,000: the area where one is drawn, elsewhere the circle's centre.

        An area that crosses the date line is in two parts there, a MultiPolygon (RFC 7946, 3.1.9).
        """
        return Response(geojson.location_features(self.filter_queryset(self.get_queryset())))
