from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from keys import selectors
from keys.models import DeviceImport


class ReasonSerializer(serializers.Serializer[Any]):
    code = serializers.CharField(help_text="Stable, for programs.")
    column = serializers.CharField(help_text="Empty where the row as a whole is meant.")
    rows = serializers.IntegerField(help_text="Of how many rows it is said.")
    first = serializers.IntegerField(help_text="The first of them; a CSV's header is row 1.")
    example = serializers.CharField(help_text="What is said there, and what to do about it.")


class DeviceImportSerializer(serializers.ModelSerializer[DeviceImport]):
    batch = serializers.CharField(source="batch.label", read_only=True, allow_null=True, default=None)
    devices = serializers.IntegerField(
        read_only=True, help_text="How many devices the imported rows made: each row is one of their keys."
    )
    warned = serializers.IntegerField(
        read_only=True, help_text="How many rows that are not rejected have warnings."
    )
    passed_over = serializers.CharField(
        read_only=True, help_text="What of the file is not used, though nothing is wrong with it."
    )

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
            "devices",
            "warned",
            "passed_over",
            "failure",
            "created_at",
            "ended_at",
        ]
        read_only_fields = fields


class DeviceImportDetailSerializer(DeviceImportSerializer):
    reasons = serializers.SerializerMethodField(help_text="Why rows are rejected, the most frequent first.")
    warnings = serializers.SerializerMethodField(
        help_text="What is worth knowing of rows that are not rejected, the most frequent first."
    )

    class Meta(DeviceImportSerializer.Meta):
        fields = [*DeviceImportSerializer.Meta.fields, "reasons", "warnings"]
        read_only_fields = fields

    @extend_schema_field(ReasonSerializer(many=True))
    def get_reasons(self, device_import: DeviceImport) -> list[dict[str, Any]]:
        return [reason._asdict() for reason in selectors.reasons_of(device_import)]

    @extend_schema_field(ReasonSerializer(many=True))
    def get_warnings(self, device_import: DeviceImport) -> list[dict[str, Any]]:
        return [warning._asdict() for warning in selectors.warnings_of(device_import)]


class ImportOptionsSerializer(serializers.Serializer[Any]):
    batch = serializers.CharField(
        required=False,
        default="",
        max_length=100,
        help_text="The label of a key batch that all devices have to be of.",
    )
    accept_mac_mismatch = serializers.BooleanField(
        default=False,
        help_text="Also accept devices whose MAC is not one that their keys imply.",
    )
    dry_run = serializers.BooleanField(
        default=False, help_text="Only check; `confirm` imports the valid rows afterwards."
    )


class ImportUploadSerializer(ImportOptionsSerializer):
    file = serializers.FileField(allow_empty_file=True, help_text="CSV or JSON, in UTF-8.")


class ConfirmSerializer(serializers.Serializer[Any]):
    accept_mac_mismatch = serializers.BooleanField(default=False)
