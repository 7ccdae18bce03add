"""What staff give to store a location. Whether a fence can be made of it, `locations.fences` decides."""

from typing import Any

from django.contrib.gis.geos import Point
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from clients.api.serializers import RunIdField
from locations.areas.globe import MAX_CENTRE_LONGITUDE
from locations.models import Location

GIVEN_AREA_SCHEMA = {
    "description": (
        "GeoJSON in WGS 84, the longitude first: a Polygon, alone or as the only one of a Feature, FeatureCollection or"
        " MultiPolygon, or in two parts that meet at the date line. It counts instead of the circle; null: a circle."
    ),
    "type": ["object", "null"],
}


class NumberField(serializers.FloatField):
    """A JSON number: a text that holds one may come from a field that was meant for something else."""

    default_error_messages = {"invalid": "Give a number, without quotes."}

    def to_internal_value(self, data: Any) -> float:
        if isinstance(data, bool) or not isinstance(data, int | float):
            self.fail("invalid")
        try:
            return float(data)
        except OverflowError:
            self.fail("invalid")


class TruthField(serializers.BooleanField):
    """true or false, and none of the words that are read as one of them elsewhere."""

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return data


class CenterSerializer(serializers.Serializer[Any]):
    latitude = NumberField(min_value=-90, max_value=90)
    longitude = NumberField(
        min_value=-MAX_CENTRE_LONGITUDE,
        max_value=MAX_CENTRE_LONGITUDE,
        help_text="Up to half a degree beyond 180, as maps write it near the date line.",
    )


@extend_schema_field(GIVEN_AREA_SCHEMA)
class GivenAreaField(serializers.Field[Any, Any, Any, Any]):
    """GeoJSON as it was given."""

    def to_internal_value(self, data: Any) -> Any:
        return data


class NewLocationSerializer(serializers.Serializer[Any]):
    """A circle of `radius_m` around `center`, or an `area`, which has its own centre."""

    name = serializers.CharField(max_length=200)
    kind = serializers.ChoiceField(choices=Location.Kind.choices)
    address = serializers.CharField(max_length=300, allow_blank=True, required=False)
    center = CenterSerializer(
        required=False, help_text="Needed for a circle. With an area it may be left out, or has to lie in it."
    )
    radius_m = NumberField(required=False, help_text="More than 0 and at most 100,000; 100 by default.")
    area = GivenAreaField(required=False, allow_null=True)
    confirm_large = TruthField(
        required=False, help_text="An area of 25 km² or more is meant: without it, such an area is refused."
    )
    runs = serializers.ListField(
        child=RunIdField(), required=False, help_text="The ids of the production runs that it serves."
    )
    active_from = serializers.DateTimeField(
        required=False, allow_null=True, help_text="Now by default; null: always."
    )
    active_until = serializers.DateTimeField(required=False, allow_null=True)
    free_time_h = serializers.IntegerField(required=False, allow_null=True, min_value=0, max_value=2**31 - 1)

    def validate_center(self, center: dict[str, float]) -> Point:
        return Point(center["longitude"], center["latitude"], srid=4326)


class LocationChangesSerializer(NewLocationSerializer):
    """What is left out stays as it is."""

    def get_fields(self) -> dict[str, Any]:
        fields = super().get_fields()
        for field in fields.values():
            field.required = False
        return fields
