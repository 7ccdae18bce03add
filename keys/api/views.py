"""What a manufacturer does: find its batches, fetch their public keys, and say that they arrived."""

from typing import Any, ClassVar, cast

from django.http import StreamingHttpResponse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.generics import ListAPIView, RetrieveAPIView, get_object_or_404
from rest_framework.permissions import IsAuthenticated
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from clients.models import User
from foundation.api.scoping import TenantScoped
from foundation.api.strict import Takes
from keys.api import serializers
from keys.api.permissions import IsManufacturer
from keys.api.throttles import ManufacturerRate
from keys.downloads import export_response
from keys.exports.formats import FORMATS
from keys.models import KeyBatch, ManufacturerExport
from keys.services import exporting

MEDIA_TYPES = sorted({each.media_type.partition(";")[0] for each in FORMATS.values()})


class AnyType(BaseRenderer):
    """Whatever the caller would like to get: the file decides."""

    media_type = "*/*"
    format = "file"


class ForManufacturers(TenantScoped):
    """A view of what the user's manufacturer may see of `model`, with a limit of its own."""

    permission_classes = (IsAuthenticated, IsManufacturer)
    throttle_classes = (ManufacturerRate,)

    @property
    def actor(self) -> User:
        return cast(User, self.request.user)


@extend_schema(tags=["manufacturer"])
class BatchesView(ForManufacturers, ListAPIView):
    """The key batches that are ready for you, the latest first."""

    model = KeyBatch
    serializer_class = serializers.BatchSerializer

    def narrow(self, visible: Any) -> Any:
        return visible.defer("sealed_data_key").order_by("-pk")


@extend_schema(tags=["manufacturer"])
class BatchView(ForManufacturers, RetrieveAPIView):
    """One key batch."""

    model = KeyBatch
    serializer_class = serializers.BatchSerializer

    def narrow(self, visible: Any) -> Any:
        return visible.defer("sealed_data_key")


class BatchExportsView(ForManufacturers, ListAPIView):
    model = ManufacturerExport
    serializer_class = serializers.ExportSerializer
    takes: ClassVar = {"post": Takes(body=serializers.NewExportSerializer)}

    def narrow(self, visible: Any) -> Any:
        batch = get_object_or_404(self.visible(KeyBatch), pk=self.kwargs["pk"])
        return visible.filter(batch=batch).select_related("batch").order_by("-pk")

    @extend_schema(tags=["manufacturer"], operation_id="manufacturer_exports_list")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """The exports of a batch, the latest first."""
        return super().get(request, *args, **kwargs)

    @extend_schema(
        tags=["manufacturer"],
        operation_id="manufacturer_export_create",
        responses={201: serializers.ExportSerializer},
    )
    def post(self, request: Request, pk: int) -> Response:
        """Export the public keys of a batch.

        The answer has the checksum; the file is at `…/exports/<id>/file/`. The same batch and format give the same
        bytes each time.
        """
        batch = get_object_or_404(self.visible(KeyBatch), pk=pk)
        asked = self.given()
        exporting.refuse_unexportable(batches=[batch])
        export = exporting.export_batch(
            batch=batch, format_code=asked["format"], actor=self.actor, now=timezone.now()
        )
        return Response(self.get_serializer(export).data, status=201)


@extend_schema(tags=["manufacturer"])
class ExportView(ForManufacturers, RetrieveAPIView):
    """One export, with its checksum."""

    model = ManufacturerExport
    serializer_class = serializers.ExportSerializer

    def narrow(self, visible: Any) -> Any:
        return visible.select_related("batch")


class ExportFileView(ForManufacturers):
    model = ManufacturerExport
    renderer_classes = (AnyType,)

    def narrow(self, visible: Any) -> Any:
        return visible.select_related("batch")

    @extend_schema(
        tags=["manufacturer"],
        operation_id="manufacturer_export_file",
        responses={(200, media_type): OpenApiTypes.BINARY for media_type in MEDIA_TYPES},
    )
    def get(self, request: Request, pk: int) -> StreamingHttpResponse:
        """The file of an export.

        Its SHA-256 is in the header `Repr-Digest`, and in the export itself.
        """
        return export_response(self.get_object(), actor=self.actor)


class AcknowledgementView(ForManufacturers):
    model = ManufacturerExport
    takes: ClassVar = {"post": Takes(body=serializers.AcknowledgementSerializer)}

    def narrow(self, visible: Any) -> Any:
        return visible.select_related("batch")

    @extend_schema(
        tags=["manufacturer"],
        operation_id="manufacturer_export_acknowledge",
        responses=serializers.ExportSerializer,
    )
    def post(self, request: Request, pk: int) -> Response:
        """Say that the file arrived, by the SHA-256 of what you have.

        Doing so again changes nothing. A checksum that is not the file's is refused with 409.
        """
        export = self.get_object()
        sha256 = self.given()["sha256"]
        acknowledged = exporting.acknowledge_export(
            export=export, sha256=sha256, actor=self.actor, now=timezone.now()
        )
        return Response(serializers.ExportSerializer(acknowledged).data)
