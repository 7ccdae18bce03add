"""How GeoJSON is asked for and answered."""

import math
from typing import Any

import django_filters
from django.core.exceptions import ValidationError as InvalidValue
from django.db.models import QuerySet
from django.forms import CharField
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.renderers import JSONRenderer

from locations.geojson import Box, in_box


class GeoJsonRenderer(JSONRenderer):
    """Passes on texts that are GeoJSON already."""

    media_type = "application/geo+json"
    format = "geojson"

    def render(self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None) -> Any:
        return data.encode()


class BoxField(CharField):
    default_error_messages = {"invalid": "Give west,south,east,north in degrees, such as 5.5,47,15,55."}

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value)
        if not text:
            return None
        try:
            box = Box(*(float(part) for part in text.split(",")))
        except (ValueError, TypeError):
            box = Box(math.nan, math.nan, math.nan, math.nan)
        if not (abs(box.west) <= 180 >= abs(box.east) and -90 <= box.south <= box.north <= 90):
            raise InvalidValue(self.error_messages["invalid"], code="invalid")
        return box


@extend_schema_field({"type": "string", "example": "5.5,47,15,55"})
class BoxFilter(django_filters.Filter):
    """Rows whose geography `field_name` touches the box."""

    field_class = BoxField

    def filter(self, qs: QuerySet[Any], value: Box | None) -> QuerySet[Any]:
        return qs if value is None else in_box(qs, str(self.field_name), value)


class PositionListField(serializers.ListField):
    """Longitude and latitude (WGS84)."""

    child = serializers.FloatField()


class PointGeometrySerializer(serializers.Serializer[Any]):
    type = serializers.ChoiceField(["Point"])
    coordinates = PositionListField(min_length=2, max_length=2)


class FeatureCollectionSerializer(serializers.Serializer[Any]):
    """What FeatureCollections share; subclasses add `features`."""

    type = serializers.ChoiceField(["FeatureCollection"])
    truncated = serializers.BooleanField(
        help_text="There are more than the answer holds: narrow it, for instance with `bbox`."
    )
