"""Forms in parts (multipart/form-data) of which nothing is passed over, read into memory up to a limit.

Django's own parser passes over a part without a name, a file whose name is only a path, a transfer encoding that it
does not know, and the end of a form that is cut off: half a file would be taken for a whole one.
"""

import base64
import binascii
import io
import re
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.core.files.uploadedfile import InMemoryUploadedFile
from django.core.files.uploadhandler import FileUploadHandler
from django.http import HttpRequest, QueryDict
from django.http.multipartparser import FILE, RAW, ChunkIter, LazyStream, MultiPartParserError, Parser
from django.utils.datastructures import MultiValueDict

_END = b"--"
_AS_IT_IS = ("", "7bit", "8bit", "binary")
_PLAIN = "text/plain"


class StrictParts(FileUploadHandler):
    """An upload handler that reads the whole form by itself.

    A file of more than `max_file_bytes` ends the reading: it and what follows are not there. Raises
    MultiPartParserError for a form that can't be read to its end, and what Django raises for one with too much in it.
    """

    def __init__(self, request: HttpRequest, *, max_file_bytes: int) -> None:
        super().__init__(request)
        self._max_file_bytes = max_file_bytes
        self._field_bytes = 0

    def handle_raw_input(
        self, input_data: Any, META: Any, content_length: int, boundary: Any, encoding: str | None = None
    ) -> tuple[QueryDict, MultiValueDict[str, Any]]:
        fields, files = QueryDict(mutable=True), MultiValueDict[str, Any]()
        is_whole = False
        for number, (kind, headers, content) in enumerate(
            Parser(LazyStream(ChunkIter(input_data)), boundary)
        ):
            if kind == RAW:
                is_whole = self._is_end(number, content)
            elif kind == FILE:
                file = self._file(headers, content)
                if file is None:
                    is_whole = True
                    break
                files.appendlist(_name(headers), file)
                _limit(files, settings.DATA_UPLOAD_MAX_NUMBER_FILES, TooManyFilesSent)
            else:
                fields.appendlist(_name(headers), self._text(headers, content))
                _limit(fields, settings.DATA_UPLOAD_MAX_NUMBER_FIELDS, TooManyFieldsSent)
        if not is_whole:
            raise MultiPartParserError("The form is cut off.")
        fields._mutable = False
        return fields, files

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes | None:
        raise NotImplementedError("The form is read as a whole.")

    def file_complete(self, file_size: int) -> None:
        raise NotImplementedError("The form is read as a whole.")

    def _is_end(self, number: int, content: Any) -> bool:
        """Before the first boundary there is nothing, and behind the last one only its end."""
        rest = content.read(len(_END) + 1024).strip()
        if rest and (number == 0 or rest != _END):
            raise MultiPartParserError("A part of the form has no name.")
        return bool(rest == _END)

    def _file(self, headers: Mapping[str, Any], content: Any) -> InMemoryUploadedFile | None:
        read = content.read(self._max_file_bytes + 1)
        if len(read) > self._max_file_bytes:
            return None
        body = _decoded(headers, read)
        path = headers["content-disposition"][1]["filename"].decode("utf-8", "replace")
        content_type = headers.get("content-type", (_PLAIN, {}))[0].strip()
        # One whose name is only a path is a file all the same.
        file_name = re.split(r"[/\\]", path)[-1].strip()
        file_name = "file" if file_name in ("", ".", "..") else file_name
        return InMemoryUploadedFile(
            io.BytesIO(body), _name(headers), file_name, content_type, len(body), None
        )

    def _text(self, headers: Mapping[str, Any], content: Any) -> str:
        most = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        read: bytes = content.read(None if most is None else most - self._field_bytes + 1)
        self._field_bytes += len(read)
        if most is not None and self._field_bytes > most:
            raise RequestDataTooBig("The fields of the form are too large.")
        return _decoded(headers, read).decode("utf-8", "replace")


def _name(headers: Mapping[str, Any]) -> str:
    name: str = headers["content-disposition"][1].get("name", b"").decode("utf-8", "replace").strip()
    if not name:
        raise MultiPartParserError("A part of the form has no name.")
    return name


def _decoded(headers: Mapping[str, Any], content: bytes) -> bytes:
    how = headers.get("content-transfer-encoding", ("", {}))[0].strip().lower()
    if how in _AS_IT_IS:
        return content
    if how != "base64":
        raise MultiPartParserError("A part of the form is in a transfer encoding that is not read.")
    try:
        return base64.b64decode(b"".join(content.split()), validate=True)
    except binascii.Error:
        raise MultiPartParserError("A part of the form is no valid base64.") from None


def _limit(found: MultiValueDict[str, Any], most: int | None, error: type[Exception]) -> None:
    if most is not None and sum(len(values) for _, values in found.lists()) > most:
        raise error(f"The form has more than {most} parts.")
