"""An export as an HTTP answer, for the admin and the API alike."""

import base64

from django.http import StreamingHttpResponse

from clients.models import User
from keys.exports.formats import FORMATS
from keys.models import ManufacturerExport
from keys.services import exporting


def export_response(export: ManufacturerExport, *, actor: User) -> StreamingHttpResponse:
    """The file, with its length and its SHA-256 (`Repr-Digest`, RFC 9530), so that a cut one is noticed."""
    blocks = exporting.stream_export(export=export, actor=actor)
    digest = base64.b64encode(bytes.fromhex(export.sha256)).decode("ascii")
    return StreamingHttpResponse(
        blocks,
        content_type=FORMATS[export.format].media_type,
        headers={
            "Content-Length": str(export.size_bytes),
            "Content-Disposition": f'attachment; filename="{exporting.file_name(export)}"',
            "Repr-Digest": f"sha-256=:{digest}:",
            "Cache-Control": "no-store",
        },
    )
