from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from clients.api.serializers import BrandRefSerializer, ClientRefSerializer, RunRefSerializer
from locations.api.geojson import FeatureCollectionSerializer, PointGeometrySerializer
from locations.api.serializers import LocationRefSerializer, PositionField
from trackers.models import GeofenceEvent, LocationReport, StatusChange, Tracker
from trackers.selectors import Counted


class NearSerializer(serializers.Serializer[Tracker]):
    """A place of GeoNames (CC BY 4.0)."""

    name = serializers.CharField(source="near.name")
    country = serializers.CharField(source="near.country", help_text="ISO 3166-1 alpha-2.")
    distance_km = serializers.SerializerMethodField(help_text="From the place's centre.")

    def get_distance_km(self, tracker: Tracker) -> float:
        return round((tracker.near_m or 0) / 1000, 1)


class TrackerSerializer(serializers.ModelSerializer[Tracker]):
    location = LocationRefSerializer(read_only=True, allow_null=True, help_text="Where it is now.")
    run = RunRefSerializer(source="latest_assignment.run", read_only=True, allow_null=True)
    brand = BrandRefSerializer(source="latest_assignment.run.brand", read_only=True, allow_null=True)
    client = ClientRefSerializer(source="latest_assignment.run.brand.client", read_only=True, allow_null=True)
    assigned_from = serializers.DateTimeField(
        source="latest_assignment.period.lower", read_only=True, allow_null=True
    )
    assigned_until = serializers.DateTimeField(
        source="latest_assignment.period.upper", read_only=True, allow_null=True
    )
    last_seen_at = serializers.DateTimeField(
        read_only=True, allow_null=True, help_text="When a phone last saw it."
    )
    last_received_at = serializers.DateTimeField(
        read_only=True,
        allow_null=True,
        help_text="When Glimpse last received a report of it: often hours later.",
    )
    last_position = PositionField(read_only=True, allow_null=True)
    near = serializers.SerializerMethodField(
        help_text="The nearest place to the last position, in the same country and at most 100 km away."
    )

    @extend_schema_field(NearSerializer(allow_null=True))
    def get_near(self, tracker: Tracker) -> dict[str, Any] | None:
        return NearSerializer(tracker).data if tracker.near else None

    class Meta:
        model = Tracker
        fields = [
            "mac",
            "serial",
            "state",
            "status",
            "status_since",
            "location",
            "run",
            "brand",
            "client",
            "assigned_from",
            "assigned_until",
            "last_seen_at",
            "last_received_at",
            "last_position",
            "last_accuracy_m",
            "near",
            "battery",
            "updated_at",
        ]


class ReportSerializer(serializers.ModelSerializer[LocationReport]):
    tracker = serializers.CharField(source="mac", read_only=True, help_text="Its MAC.")
    seen_at = serializers.DateTimeField(read_only=True, help_text="When a phone saw the tracker.")
    received_at = serializers.DateTimeField(read_only=True, help_text="When Glimpse received it.")
    position = PositionField(read_only=True)
    counted = serializers.ChoiceField(
        Counted.choices,
        read_only=True,
        allow_null=True,
        help_text="What became of it. `yes`: it counts for status and events. `superseded`: another one of the same"
        " moment is more accurate. `inaccurate`: less accurate than the production run asks for. `outlier`: too far"
        " away for the time, and the next report did not confirm it. `held`: too far away for the time, until the next"
        " report decides. Empty: it was seen in no run.",
    )
    usable = serializers.BooleanField(
        read_only=True, help_text="Accurate enough for the production run. What became of it `counted` tells."
    )

    class Meta:
        model = LocationReport
        fields = [
            "tracker",
            "seen_at",
            "received_at",
            "position",
            "accuracy_m",
            "confidence",
            "battery",
            "source",
            "counted",
            "usable",
        ]


class EventSerializer(serializers.ModelSerializer[GeofenceEvent]):
    tracker = serializers.CharField(source="mac", read_only=True, help_text="Its MAC.")
    run = RunRefSerializer(source="assignment.run", read_only=True)
    location = LocationRefSerializer(read_only=True, allow_null=True)
    status_change = serializers.IntegerField(
        source="status_change_id",
        read_only=True,
        allow_null=True,
        help_text="The id of the row of the status history that an ENTRY or EXIT began.",
    )
    retracted_at = serializers.DateTimeField(
        read_only=True, allow_null=True, help_text="When a later report showed it to be wrong."
    )

    class Meta:
        model = GeofenceEvent
        fields = [
            "id",
            "tracker",
            "run",
            "type",
            "location",
            "occurred_at",
            "recorded_at",
            "status_change",
            "retracted_at",
        ]


class StatusChangeSerializer(serializers.ModelSerializer[StatusChange]):
    tracker = serializers.CharField(source="mac", read_only=True, help_text="Its MAC.")
    run = RunRefSerializer(source="assignment.run", read_only=True)
    location = LocationRefSerializer(read_only=True, allow_null=True)
    ended_at = serializers.DateTimeField(read_only=True, allow_null=True, help_text="Empty while it lasts.")
    retracted_at = serializers.DateTimeField(
        read_only=True, allow_null=True, help_text="When a later report showed it to be wrong."
    )

    class Meta:
        model = StatusChange
        fields = [
            "id",
            "tracker",
            "run",
            "status",
            "location",
            "started_at",
            "ended_at",
            "recorded_at",
            "retracted_at",
        ]


class TrackerPropertiesSerializer(serializers.ModelSerializer[Tracker]):
    """Related rows by name."""

    location = serializers.CharField(allow_null=True)
    run = serializers.CharField(allow_null=True)
    brand = serializers.CharField(allow_null=True)
    client = serializers.CharField(allow_null=True)
    accuracy_m = serializers.FloatField(allow_null=True)

    class Meta:
        model = Tracker
        fields = [
            "mac",
            "serial",
            "state",
            "status",
            "status_since",
            "location",
            "run",
            "brand",
            "client",
            "last_seen_at",
            "last_received_at",
            "accuracy_m",
            "battery",
        ]


class TrackerFeatureSerializer(serializers.Serializer[Any]):
    type = serializers.ChoiceField(["Feature"])
    id = serializers.CharField(help_text="The MAC.")
    geometry = PointGeometrySerializer()
    properties = TrackerPropertiesSerializer()


class TrackerCollectionSerializer(FeatureCollectionSerializer):
    features = TrackerFeatureSerializer(many=True)


class TrackGeometrySerializer(serializers.Serializer[Any]):
    type = serializers.ChoiceField(["Point", "LineString"])
    coordinates = serializers.ListField(child=serializers.JSONField())


class TrackPropertiesSerializer(serializers.Serializer[Any]):
    """A line has the tracker's MAC and its ends' times; a point has those of the report."""

    mac = serializers.CharField(required=False)
    first_seen_at = serializers.DateTimeField(required=False)
    last_seen_at = serializers.DateTimeField(required=False)
    seen_at = serializers.DateTimeField(required=False)
    received_at = serializers.DateTimeField(required=False)
    accuracy_m = serializers.FloatField(required=False, allow_null=True)
    battery = serializers.CharField(required=False, allow_blank=True)
    counted = serializers.ChoiceField(Counted.choices, required=False, allow_null=True)
    usable = serializers.BooleanField(required=False)


class TrackFeatureSerializer(serializers.Serializer[Any]):
    type = serializers.ChoiceField(["Feature"])
    geometry = TrackGeometrySerializer()
    properties = TrackPropertiesSerializer()


class TrackCollectionSerializer(FeatureCollectionSerializer):
    features = TrackFeatureSerializer(many=True)
