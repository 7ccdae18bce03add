"""The bodies of requests: their length, and JSON of which nothing is lost."""

import json
import re
from http import HTTPStatus
from typing import Any

from django.http import HttpRequest
from rest_framework.exceptions import ParseError, UnsupportedMediaType, ValidationError
from rest_framework.parsers import BaseParser
from rest_framework.settings import api_settings

from foundation import json_paths, strict_json
from foundation.errors import DomainError
from foundation.strict_json import shown

MAX_JSON_BYTES = 2**20
MAX_JSON_DEPTH = 20


class LengthRequiredError(DomainError):
    code = "length_required"
    status = HTTPStatus.LENGTH_REQUIRED


class BodyTooLargeError(DomainError):
    code = "body_too_large"
    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE


def declared_bytes(request: HttpRequest) -> int | None:
    """How long the body is said to be; None where nothing is said, or no number."""
    declared = request.META.get("CONTENT_LENGTH") or ""
    return int(declared) if declared.isascii() and declared.isdigit() else None


def require_length(request: HttpRequest) -> None:
    """Raise LengthRequiredError for a body of unknown length, of which nothing would be read."""
    is_chunked = "HTTP_TRANSFER_ENCODING" in request.META
    if declared_bytes(request) is None and (is_chunked or request.META.get("CONTENT_LENGTH")):
        raise LengthRequiredError(
            "Say how long the body is, in the header Content-Length: it is not read otherwise."
        )


def refuse_other_codings(request: HttpRequest) -> None:
    """Raise UnsupportedMediaType for a body in another encoding than UTF-8, or a packed one: nothing undoes that."""
    charset = (request.content_params or {}).get("charset", "utf-8")
    if charset.lower().replace("_", "-") not in ("utf-8", "utf8", "us-ascii"):
        raise UnsupportedMediaType(charset, detail=f"The body is in {shown(charset)}: send it in UTF-8.")
    coding = request.META.get("HTTP_CONTENT_ENCODING", "identity")
    if coding.lower() not in ("", "identity"):
        raise UnsupportedMediaType(coding, detail=f"The body is packed ({shown(coding)}): send it as it is.")


class StrictJson(BaseParser):
    """JSON in UTF-8: a repeated member, NaN, or nesting without end is an error that says so."""

    media_type = "application/json"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        content = self._read(stream, (parser_context or {}).get("request"))
        try:
            return strict_json.decode(content, max_depth=MAX_JSON_DEPTH)
        except strict_json.UnfitJsonError as error:
            name = error.name or _member_at_fault(content) or api_settings.NON_FIELD_ERRORS_KEY
            raise ValidationError({name: [f"The JSON can't be used: {error.message}."]}) from None
        except UnicodeDecodeError:
            raise ParseError("The JSON is not in UTF-8.") from None
        except json.JSONDecodeError as error:
            if name := _member_at_fault(content):
                raise ValidationError({name: [f"The JSON can't be used: {error.msg}."]}) from None
            raise ParseError(f"This is no valid JSON: {error}.") from None

    def _read(self, stream: Any, request: Any) -> bytes:
        if request is not None and (declared_bytes(request) or 0) > MAX_JSON_BYTES:
            raise BodyTooLargeError(
                f"The JSON has more than {MAX_JSON_BYTES // 2**20} MB: send less at once."
            )
        content: bytes = stream.read()
        return content


def _member_at_fault(content: bytes) -> str:
    """The body's member that is nested too deeply or holds a number that is none; empty where there is none."""
    text = content.decode("utf-8", errors="replace")
    path = json_paths.path_of_number_that_is_none(text) or json_paths.path_of_depth(text, MAX_JSON_DEPTH)
    return re.split(r"[.\[…]", path, maxsplit=1)[0]
