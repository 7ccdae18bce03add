from typing import Any

from django.contrib.gis.geos import Point
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from clients.api.serializers import RunRefSerializer
from locations.api.geojson import FeatureCollectionSerializer
from locations.models import Location

POSITION_SCHEMA = {
    "type": "object",
    "description": "Degrees, WGS84.",
    "required": ["latitude", "longitude"],
    "properties": {
        "latitude": {"type": "number", "minimum": -90, "maximum": 90},
        "longitude": {"type": "number", "minimum": -180, "maximum": 180},
    },
}


AREA_SCHEMA = {
    "type": "object",
    "description": "GeoJSON: a Polygon; a MultiPolygon of two where it crosses the date line (RFC 7946, 3.1.9).",
    "required": ["type", "coordinates"],
    "properties": {"type": {"enum": ["Polygon", "MultiPolygon"]}, "coordinates": {"type": "array"}},
}


@extend_schema_field(POSITION_SCHEMA)
class PositionField(serializers.Field[Point, Any, dict[str, float], Point]):
    """A point as latitude and longitude."""

    def to_representation(self, value: Point) -> dict[str, float]:
        return {"latitude": value.y, "longitude": value.x}


@extend_schema_field(AREA_SCHEMA)
class AreaField(serializers.JSONField):
    """GeoJSON that the database has written."""


class LocationRefSerializer(serializers.ModelSerializer[Location]):
    class Meta:
        model = Location
        fields = ["id", "name", "kind"]


class LocationSerializer(serializers.ModelSerializer[Location]):
    center = PositionField(read_only=True)
    area = AreaField(source="cut_area", read_only=True, allow_null=True)
    runs = RunRefSerializer(many=True, read_only=True, help_text="Those that the user may see.")

    class Meta:
        model = Location
        fields = [
            "id",
            "name",
            "kind",
            "address",
            "center",
            "radius_m",
            "area",
            "runs",
            "active_from",
            "active_until",
            "updated_at",
        ]


class LocationGeometrySerializer(serializers.Serializer[Any]):
    """A polygon where an area is drawn, in two parts if it crosses the date line; otherwise the centre of the circle of
    `radius_m`."""

    type = serializers.ChoiceField(["Point", "Polygon", "MultiPolygon"])
    coordinates = serializers.ListField(child=serializers.JSONField())


class LocationPropertiesSerializer(serializers.ModelSerializer[Location]):
    class Meta:
        model = Location
        fields = ["name", "kind", "address", "radius_m", "active_from", "active_until"]


class LocationFeatureSerializer(serializers.Serializer[Any]):
    type = serializers.ChoiceField(["Feature"])
    id = serializers.IntegerField()
    geometry = LocationGeometrySerializer()
    properties = LocationPropertiesSerializer()


class LocationCollectionSerializer(FeatureCollectionSerializer):
    features = LocationFeatureSerializer(many=True)
