"""What is wrong with a file, or with a row of it, in words that never hold a private key."""

import re
from typing import NamedTuple

from foundation.errors import DomainError

QUOTED_CHARACTERS = 40
# Whatever could be a private key, whole, cut or in the wrong column.
_KEY_LIKE = re.compile(r"[A-Za-z0-9+/=_-]{24,}")
_KEY = re.compile(r"(?:0x)?[0-9a-fA-F]{56}|[A-Za-z0-9+/_-]{38}={0,2}")


class UnreadableFileError(DomainError):
    """Nothing of the file can be used; the message says what to do about it."""

    code = "unreadable_file"
    status = 400  # type: ignore[assignment]


class Problem(NamedTuple):
    """`column` is the name of a column, empty for the row as a whole; `code` is stable and for machines."""

    column: str
    code: str
    message: str


def could_be_key(text: str) -> bool:
    return bool(_KEY_LIKE.search(text))


def is_key(text: str) -> bool:
    """Whether a text is 28 bytes in hex or base64: a public key, or a private one."""
    return bool(_KEY.fullmatch(text.strip()))


def quoted(text: str) -> str:
    """The beginning of a cell for a message; what could be a key is only described. In quotation marks that a
    spreadsheet doesn't take for its own."""
    if could_be_key(text):
        return f"a text of {len(text)} characters"
    shown = repr(text if len(text) <= QUOTED_CHARACTERS else f"{text[:QUOTED_CHARACTERS]}…")
    return f"“{shown[1:-1]}”"
