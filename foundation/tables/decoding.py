"""Text of a file's bytes, a block at a time: encodings, byte order marks, workbooks, and a limit to the size."""

import codecs
import io
from typing import Any, BinaryIO, TextIO

from foundation.tables.problems import UnreadableFileError

BLOCK_BYTES = 64 * 1024

_SNIFFED_BYTES = 200
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
# Excel and LibreOffice of today, and Excel of the nineties.
_WORKBOOK = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
_SAVE = "save it as “CSV UTF-8”"


def open_text(source: BinaryIO, *, max_bytes: int, utf_16: bool = False) -> TextIO:
    """The text of a file in UTF-8, without byte order marks and with line ends as they are; with `utf_16` also of one
    in UTF-16 that begins with its mark.

    Raises UnreadableFileError at once for what is no text, and while the text is read for bytes that are none in the
    encoding, and for more than `max_bytes`. `source` is read on demand and not closed.
    """
    head = _read_head(source)
    encoding = "utf-16" if utf_16 and head.startswith(_UTF_16) else "utf-8"
    if encoding == "utf-8":
        _refuse_binary(head)
    body = _without_marks(head) if encoding == "utf-8" else head
    checked = _Checked(source, head, len(head) - len(body), encoding, max_bytes)
    return io.TextIOWrapper(io.BufferedReader(checked, BLOCK_BYTES), encoding=encoding, newline="")


def _read_head(source: BinaryIO) -> bytes:
    """The first bytes: some sources give less than they are asked for."""
    head = b""
    while len(head) < _SNIFFED_BYTES and (more := source.read(BLOCK_BYTES)):
        head += more
    return head


def _refuse_binary(head: bytes) -> None:
    if head.startswith(_WORKBOOK):
        raise UnreadableFileError(f"This is a workbook or another binary file: {_SAVE}.")
    if head.startswith(_UTF_16):
        raise UnreadableFileError(f"The file is in UTF-16: {_SAVE}.")
    if b"\0" in head[:_SNIFFED_BYTES]:
        raise UnreadableFileError(f"The file is binary or in UTF-16, and no text in UTF-8: {_SAVE}.")


def _without_marks(head: bytes) -> bytes:
    """Programs that each put a mark in front leave more than one."""
    while head.startswith(codecs.BOM_UTF8):
        head = head.removeprefix(codecs.BOM_UTF8)
    return head


class _Checked(io.RawIOBase):
    """The bytes of a source, refused where they are not in its encoding, with the row and the position, and where
    they are too many. `head` was read already; its first `skipped` bytes are left out."""

    def __init__(self, source: BinaryIO, head: bytes, skipped: int, encoding: str, max_bytes: int) -> None:
        self._source = source
        self._waiting = head[skipped:]
        self._decoder = codecs.getincrementaldecoder(encoding)()
        self._encoding = encoding
        self._max_bytes = max_bytes
        self._read = skipped
        self._rows = 1

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        block = self._waiting[: len(buffer)] or self._source.read(len(buffer))
        self._waiting = self._waiting[len(block) :]
        self._read += len(block)
        if self._read > self._max_bytes:
            raise UnreadableFileError(f"The file is larger than {self._max_bytes / 2**20:,.0f} MB: split it.")
        self._check(block)
        buffer[: len(block)] = block
        return len(block)

    def _check(self, block: bytes) -> None:
        try:
            self._decoder.decode(block, final=not block)
        except UnicodeDecodeError as error:
            # The decoder may have kept the first bytes of a character from the block before.
            position = self._read - len(error.object) + error.start
            row = self._rows + error.object.count(b"\n", 0, error.start)
            other = "" if self._encoding == "utf-8" else ", nor in UTF-16 as its mark says"
            raise UnreadableFileError(
                f"Row {row} is not in UTF-8{other}: it has the byte 0x{error.object[error.start]:02X} (at position"
                f" {position} of the file). {_SAVE.replace('save', 'Save')}."
            ) from None
        self._rows += block.count(b"\n")
