from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from keys import selectors
from keys.models import DeviceImport


class ReasonSerializer(serializers.Serializer[Any]):
    code = serializers.CharField(help_text="Stable, for programs.")
    column = serializers.CharField(help_text="Empty where the row as a whole is meant.")
    rows = serializers.IntegerField(help_text="How many rows are rejected for it.")
    first = serializers.IntegerField(help_text="The first of them; a CSV's header is row 1.")
    example = serializers.CharField(help_text="What is wrong there, and what to do about it.")


class DeviceImportSerializer(serializers.ModelSerializer[DeviceImport]):
    batch = serializers.CharField(source="batch.label", read_only=True, allow_null=True, default=None)

    class Meta:
        model = DeviceImport
        fields = [
            "id",
            "file_name",
            "sha256",
            "size_bytes",
            "batch",
            "accept_mac_mismatch",
            "state",
            "total",
            "checked",
            "valid",
            "imported",
            "unchanged",
            "rejected",
            "failure",
            "created_at",
            "ended_at",
        ]
        read_only_fields = fields


class DeviceImportDetailSerializer(DeviceImportSerializer):
    reasons = serializers.SerializerMethodField(help_text="Why rows are rejected, the most frequent first.")

    class Meta(DeviceImportSerializer.Meta):
        fields = [*DeviceImportSerializer.Meta.fields, "reasons"]
        read_only_fields = fields

    @extend_schema_field(ReasonSerializer(many=True))
    def get_reasons(self, device_import: DeviceImport) -> list[dict[str, Any]]:
        return [reason._asdict() for reason in selectors.reasons_of(device_import)]


class ImportOptionsSerializer(serializers.Serializer[Any]):
    batch = serializers.CharField(
        required=False,
        allow_blank=True,
        default="",
        max_length=100,
        help_text="The label of a key batch that all devices have to be of.",
    )
    accept_mac_mismatch = serializers.BooleanField(
        default=False,
        help_text="Also accept devices with one key whose MAC is not the one that the key implies.",
    )
    dry_run = serializers.BooleanField(
        default=False, help_text="Only check; `confirm` imports the valid rows afterwards."
    )


class ImportUploadSerializer(ImportOptionsSerializer):
    file = serializers.FileField(allow_empty_file=True, help_text="CSV or JSON, in UTF-8.")


class ConfirmSerializer(serializers.Serializer[Any]):
    accept_mac_mismatch = serializers.BooleanField(default=False)
