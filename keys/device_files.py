"""Files of devices over HTTP. One that comes in is refused by its size before it is read, and never written to a disk
in clear, since it may bring private keys."""

from http import HTTPStatus
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler
from django.http import HttpRequest, StreamingHttpResponse

from foundation.errors import DomainError
from foundation.parts import StrictParts
from keys import selectors
from keys.imports import rejects
from keys.models import DeviceImport
from keys.services import staging

# What multipart and the form's other fields need beside the file.
ENVELOPE_BYTES = 64 * 2**10


class LengthRequiredError(DomainError):
    code = "length_required"
    status = HTTPStatus.LENGTH_REQUIRED


class FileMissingError(DomainError):
    code = "file_missing"
    status = HTTPStatus.BAD_REQUEST


def prepare(request: HttpRequest) -> None:
    """Call before anything reads the request's body. Raises `staging.FileTooLargeError`."""
    staging.refuse_too_large((_declared_bytes(request) or 0) - ENVELOPE_BYTES)
    handlers: list[FileUploadHandler] = [StrictParts(request, max_file_bytes=staging.limit_bytes())]
    request.upload_handlers = handlers


def require_length(request: HttpRequest) -> None:
    """Raise LengthRequiredError for a body of unknown length, of which nothing would be read."""
    if _declared_bytes(request) is None:
        raise LengthRequiredError(
            "Say how long the file is, in the header Content-Length: it is not read otherwise."
        )


def content_of(file: "UploadedFile[Any] | None") -> bytes:
    """The bytes of an uploaded file. Raises FileMissingError and `staging.FileTooLargeError`."""
    if file is None:
        raise FileMissingError("Send the file of devices in the field `file`.")
    staging.refuse_too_large(file.size or 0)
    content: bytes = file.read()
    return content


def rejects_response(device_import: DeviceImport) -> StreamingHttpResponse:
    """The rejected rows as a file to correct and to send again."""
    lines = rejects.write(
        selectors.rejects_of(device_import), with_private_key=device_import.brings_private_keys
    )
    return StreamingHttpResponse(
        lines,
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="rejects-{device_import.pk}.csv"'},
    )


def _declared_bytes(request: HttpRequest) -> int | None:
    declared = request.META.get("CONTENT_LENGTH") or ""
    return int(declared) if declared.isascii() and declared.isdigit() else None
