from datetime import date
from typing import Any

from django.utils import timezone
from rest_framework import serializers

from clients.api.serializers import ClientRefSerializer, RunIdField, RunRefSerializer
from orders.models import MAX_DEVICES, DeviceAllocation, Order
from trackers.models import GeoStatus, Tracker

_FURTHEST = date(2099, 12, 31)


class OrderSerializer(serializers.ModelSerializer[Order]):
    client = ClientRefSerializer(read_only=True)
    run = RunRefSerializer(read_only=True)
    allocated = serializers.IntegerField(help_text="How many devices the order has at present.")

    class Meta:
        model = Order
        fields = [
            "id",
            "client",
            "run",
            "quantity",
            "allocated",
            "reference",
            "wanted_by",
            "state",
            "created_at",
            "placed_at",
            "shipped_at",
        ]


class RunField(RunIdField):
    """The id of one of the `runs` in the context: those that the user may order for."""

    default_error_messages = {"does_not_exist": "There is no production run {pk_value} that you manage."}


class NewOrderSerializer(serializers.Serializer[Any]):
    run = RunField(help_text="The id of a production run of yours.")
    quantity = serializers.IntegerField(min_value=1, max_value=MAX_DEVICES)
    reference = serializers.CharField(
        max_length=100,
        help_text="Your own, each once: an order that is sent again is not placed again.",
    )
    wanted_by = serializers.DateField(required=False, allow_null=True, default=None)

    def validate_wanted_by(self, day: Any) -> Any:
        if day is not None and not timezone.now().date() <= day <= _FURTHEST:
            raise serializers.ValidationError("Give today or a later day, before the year 2100.")
        return day


class CancellationSerializer(serializers.Serializer[Any]):
    reason = serializers.CharField(max_length=500, required=False, allow_blank=True, default="")


class DeviceSerializer(serializers.ModelSerializer[DeviceAllocation]):
    mac = serializers.CharField()
    serial = serializers.CharField(allow_null=True)
    state = serializers.ChoiceField(choices=Tracker.State.choices)
    status = serializers.ChoiceField(choices=GeoStatus.choices, allow_null=True)

    class Meta:
        model = DeviceAllocation
        fields = ["mac", "serial", "state", "status", "allocated_at"]
