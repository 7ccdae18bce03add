"""A zip written from front to end: the same members give the same bytes, and only the directory waits to be written.

The standard library keeps an object for each member, 35 MB for a hundred thousand; here it is the directory's 6 MB.
Members are stored, not compressed: keys are random bytes. Layout: PKWARE APPNOTE 6.3.3, sections 4.3.7, 4.3.12 and
4.3.14 to 4.3.16.
"""

import re
import struct
import zlib
from collections.abc import Iterable, Iterator
from typing import NamedTuple

_LOCAL = struct.Struct("<4s5H3I2H")
_CENTRAL = struct.Struct("<4s6H3I5H2I")
_ZIP64_END = struct.Struct("<4sQ2H2I4Q")
_ZIP64_LOCATOR = struct.Struct("<4sIQI")
_END = struct.Struct("<4s4H2IH")

_VERSION, _VERSION_OF_ZIP64 = 20, 45
_UNIX = 3 << 8
_READABLE = 0o100644 << 16
# 1980-01-01 00:00, the earliest that there is.
_TIME, _DATE = 0, (1 << 5) | 1
_LARGEST_16, _LARGEST_32 = 0xFFFF, 0xFFFFFFFF

_DIRECTORY_BLOCK = 64 * 1024

_SAFE_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}")


class Member(NamedTuple):
    """A file in the zip. Its name is letters, digits, `_`, `-` and dots, and begins with no dot."""

    name: str
    content: bytes


class UnsafeNameError(ValueError):
    """A name that could lead out of the folder into which the zip is unpacked."""


class TooLargeError(ValueError):
    """More than 4 GB before the directory: offsets of members have 32 bits here."""


def zipped(members: Iterable[Member]) -> Iterator[bytes]:
    """Yield the zip member by member, then its directory.

    Raises UnsafeNameError, or TooLargeError beyond 4 GB.
    """
    directory = bytearray()
    offset = number = 0
    for member in members:
        local, central = _headers(member, offset)
        directory += central
        yield local + member.content
        offset += len(local) + len(member.content)
        number += 1
        if offset > _LARGEST_32:
            raise TooLargeError("a zip of more than 4 GB")
    for start in range(0, len(directory), _DIRECTORY_BLOCK):
        yield bytes(directory[start : start + _DIRECTORY_BLOCK])
    yield _end(number, len(directory), offset)


def _headers(member: Member, offset: int) -> tuple[bytes, bytes]:
    if not _SAFE_NAME.fullmatch(member.name):
        raise UnsafeNameError(f"{member.name!r} is no name for a file in a zip")
    name, size = member.name.encode("ascii"), len(member.content)
    described = (0, 0, _TIME, _DATE, zlib.crc32(member.content), size, size, len(name), 0)
    local = _LOCAL.pack(b"PK\x03\x04", _VERSION, *described) + name
    central = _CENTRAL.pack(b"PK\x01\x02", _UNIX | _VERSION, _VERSION, *described, 0, 0, 0, _READABLE, offset)
    return local, central + name


def _end(number: int, size: int, offset: int) -> bytes:
    end = _END.pack(b"PK\x05\x06", 0, 0, *[min(number, _LARGEST_16)] * 2, size, offset, 0)
    if number < _LARGEST_16:
        return end
    zip64 = _ZIP64_END.pack(
        b"PK\x06\x06", 44, _VERSION_OF_ZIP64, _VERSION_OF_ZIP64, 0, 0, number, number, size, offset
    )
    return zip64 + _ZIP64_LOCATOR.pack(b"PK\x06\x07", 0, offset + size, 1) + end
