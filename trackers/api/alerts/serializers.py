from rest_framework import serializers

from clients.api.serializers import RunRefSerializer
from locations.api.serializers import LocationRefSerializer
from trackers.models import Alert


class AlertSerializer(serializers.ModelSerializer[Alert]):
    tracker = serializers.CharField(
        source="tracker.mac", read_only=True, allow_null=True, help_text="Its MAC; none of a site outage."
    )
    run = RunRefSerializer(source="assignment.run", read_only=True, allow_null=True)
    location = LocationRefSerializer(read_only=True, allow_null=True)
    country = serializers.CharField(
        read_only=True, help_text="ISO 3166-1 alpha-2; empty where it is about none."
    )
    began_at = serializers.DateTimeField(read_only=True, help_text="When it began.")
    latest_at = serializers.DateTimeField(read_only=True, help_text="The last moment that showed it.")
    ended_at = serializers.DateTimeField(read_only=True, allow_null=True, help_text="Empty while it lasts.")
    measure = serializers.FloatField(
        read_only=True,
        allow_null=True,
        help_text="A number whose meaning depends on the kind: km/h, hours, km.",
    )
    site_outage = serializers.IntegerField(
        source="part_of_id",
        read_only=True,
        allow_null=True,
        help_text="The id of the site outage that stands for it.",
    )
    retracted_at = serializers.DateTimeField(
        read_only=True, allow_null=True, help_text="When later reports or changes showed it to be wrong."
    )

    class Meta:
        model = Alert
        fields = [
            "id",
            "kind",
            "tracker",
            "run",
            "location",
            "country",
            "began_at",
            "latest_at",
            "ended_at",
            "measure",
            "site_outage",
            "recorded_at",
            "retracted_at",
        ]
