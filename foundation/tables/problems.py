"""What is wrong with a file, or with a row of it."""

from collections.abc import Callable
from typing import NamedTuple

from foundation.errors import DomainError

QUOTED_CHARACTERS = 40

# Whether a text is a secret, or may be a part of one, that no message repeats.
Conceal = Callable[[str], bool]


class UnreadableFileError(DomainError):
    """Nothing of the file can be used; the message says what to do about it."""

    code = "unreadable_file"
    status = 400  # type: ignore[assignment]


class Problem(NamedTuple):
    """`column` is the name of a column, empty for the row as a whole; `code` is stable and for machines."""

    column: str
    code: str
    message: str


def nothing_secret(text: str) -> bool:
    """For files that hold no secrets."""
    return False


def quoted(text: str, conceal: Conceal = nothing_secret) -> str:
    """The beginning of a cell for a message; what is to be concealed is only described. The quotation marks are such
    that no spreadsheet takes them for its own."""
    if conceal(text):
        return f"a text of {len(text)} characters"
    shown = repr(text if len(text) <= QUOTED_CHARACTERS else f"{text[:QUOTED_CHARACTERS]}…")
    return f"“{shown[1:-1]}”"
