from typing import Any

from rest_framework import serializers

from keys.exports.formats import FORMATS
from keys.models import KeyBatch, ManufacturerExport


class BatchSerializer(serializers.ModelSerializer[KeyBatch]):
    class Meta:
        model = KeyBatch
        fields = ["id", "label", "note", "devices", "keys_per_device", "generated_at"]


class BatchRefSerializer(serializers.ModelSerializer[KeyBatch]):
    class Meta:
        model = KeyBatch
        fields = ["id", "label"]


class ExportSerializer(serializers.ModelSerializer[ManufacturerExport]):
    batch = BatchRefSerializer(read_only=True)
    keys = serializers.IntegerField(source="rows", read_only=True, help_text="How many keys the file holds.")

    class Meta:
        model = ManufacturerExport
        fields = ["id", "batch", "format", "sha256", "keys", "size_bytes", "created_at", "acknowledged_at"]
        read_only_fields = fields


class NewExportSerializer(serializers.Serializer[Any]):
    format = serializers.ChoiceField(choices=sorted(FORMATS))


class AcknowledgementSerializer(serializers.Serializer[Any]):
    sha256 = serializers.RegexField(
        r"^[0-9A-Fa-f]{64}$",
        error_messages={"invalid": "Give the SHA-256 of the file that you have, as 64 hex digits."},
    )
