"""Files of manufactured devices: sent, watched and corrected over the API."""

from typing import Any, ClassVar

from django.contrib.auth.models import AnonymousUser
from django.http import StreamingHttpResponse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.generics import GenericAPIView, ListAPIView, RetrieveAPIView
from rest_framework.parsers import MultiPartParser
from rest_framework.permissions import BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from foundation.api.strict import StrictInput, Takes
from keys import device_files, selectors, tasks
from keys.api.device_imports import serializers
from keys.api.device_imports.parsers import CsvFile, JsonFile
from keys.models import DeviceImport
from keys.services import importing, staging

# Options of a form are its fields; of a file that is the body, parameters of the address.
JSON_FILE = Takes(
    query=serializers.ImportOptionsSerializer,
    file={"type": "array", "items": {"type": "object", "additionalProperties": True}},
)
CSV_FILE = Takes(query=serializers.ImportOptionsSerializer, file={"type": "string"})


class SendsDevices(BasePermission):
    """Ops, and those who work for a manufacturer."""

    def has_permission(self, request: Request, view: Any) -> bool:
        return selectors.sends_devices(request.user)  # type: ignore[arg-type]


class DeviceImportScoped(StrictInput, GenericAPIView):
    """Begins with what the user may see: all for ops, a manufacturer's own for its users."""

    permission_classes = (IsAuthenticated, SendsDevices)
    serializer_class: type[serializers.DeviceImportSerializer] = serializers.DeviceImportDetailSerializer

    def get_queryset(self) -> Any:
        if getattr(self, "swagger_fake_view", False):
            return DeviceImport.objects.visible_to(AnonymousUser())
        return DeviceImport.objects.visible_to(self.request.user).select_related("batch").order_by("-pk")


@extend_schema(tags=["device imports"])
class DeviceImportsView(DeviceImportScoped, ListAPIView):
    serializer_class = serializers.DeviceImportSerializer
    parser_classes = (MultiPartParser, JsonFile, CsvFile)
    takes: ClassVar = {
        "post": {
            "multipart/form-data": Takes(body=serializers.ImportUploadSerializer),
            "application/json": JSON_FILE,
            "text/csv": CSV_FILE,
        }
    }

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """A file that is too large is refused before anything reads it, signing in by session included."""
        if request.method == "POST":
            device_files.prepare(request._request)
        super().initial(request, *args, **kwargs)
        if request.method == "POST":
            device_files.require_length(request._request)

    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """The files that were sent, the latest first."""
        return super().get(request, *args, **kwargs)

    @extend_schema(
        operation_id="device_imports_create",
        responses={
            201: serializers.DeviceImportDetailSerializer,
            202: serializers.DeviceImportDetailSerializer,
        },
    )
    def post(self, request: Request) -> Response:
        """Send devices, as CSV or as a JSON array of objects: a form with a `file`, or the file as the body.

        Columns: mac, serial, key (an advertisement key in base64 or hex, or its hash); optional key_index (which of its
        device's keys a row is about), hashed_key, firmware, hardware_revision, manufactured_at. Ops may send files of
        macless-haystack, OpenHaystack and FindMy.py as they are.

        Valid rows are received into stock even if others are rejected; sending the
        same again changes nothing. Up to 1,000 rows are imported at once (201); for more (202), ask for the import
        until its state is DONE. Options of a form are fields, of a file as the body query parameters; in the other
        place they are refused.
        """
        content, file_name, options = self._sent(request)
        user: Any = request.user
        label = options["batch"]
        manufacturer = None if user.is_staff else selectors.manufacturer_of(user, batch_label=label)
        device_import = staging.receive(
            content=content,
            file_name=file_name,
            batch=selectors.batch_called(label, manufacturer=manufacturer),
            manufacturer=manufacturer,
            accept_mac_mismatch=options["accept_mac_mismatch"],
            confirmed=not options["dry_run"],
            actor=user,
            now=timezone.now(),
        )
        return _go_on(device_import)

    def _sent(self, request: Request) -> tuple[bytes, str, dict[str, Any]]:
        if isinstance(request.data, bytes):
            file_name = "devices.json" if "json" in (request.content_type or "") else "devices.csv"
            return request.data, file_name, self.asked()
        file = request.FILES.get("file")
        content = device_files.content_of(file)
        return content, file.name or "", self.given()


@extend_schema(tags=["device imports"])
class DeviceImportView(DeviceImportScoped, RetrieveAPIView):
    """How far an import is, and why rows are rejected."""


@extend_schema(tags=["device imports"])
class DeviceImportConfirmView(DeviceImportScoped):
    takes: ClassVar = {"post": Takes(body=serializers.ConfirmSerializer)}

    @extend_schema(
        operation_id="device_import_confirm",
        responses={
            201: serializers.DeviceImportDetailSerializer,
            202: serializers.DeviceImportDetailSerializer,
        },
    )
    def post(self, request: Request, pk: int) -> Response:
        """Import the valid rows of a dry run."""
        device_import = self.get_object()
        options = self.given()
        importing.confirm(
            device_import=device_import,
            accept_mac_mismatch=options["accept_mac_mismatch"],
            actor=request.user,  # type: ignore[arg-type]
            now=timezone.now(),
        )
        return _go_on(device_import)


class DeviceImportRejectsView(DeviceImportScoped):
    @extend_schema(
        tags=["device imports"],
        operation_id="device_import_rejects",
        parameters=[OpenApiParameter("id", OpenApiTypes.INT, "path")],
        responses={(200, "text/csv"): OpenApiTypes.STR},
    )
    def get(self, request: Request, pk: int) -> StreamingHttpResponse:
        """The rejected rows as CSV, with what is wrong in the column `problems`: to fix, and to send again."""
        return device_files.rejects_response(self.get_object())


def _go_on(device_import: DeviceImport) -> Response:
    at_once = importing.continue_small(device_import=device_import, now=timezone.now())
    if not at_once:
        tasks.continue_device_imports.delay_on_commit()  # type: ignore[attr-defined]
    device_import.refresh_from_db()
    answer = serializers.DeviceImportDetailSerializer(device_import)
    return Response(answer.data, status=201 if at_once else 202)
