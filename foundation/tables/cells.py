"""Single cells: cleaned, and typed or refused with a reason that says what to do. What spreadsheets spoil is found."""

import re
import unicodedata
from datetime import UTC, datetime

from foundation.tables.problems import Conceal, nothing_secret, quoted

FIRST_YEAR, LAST_YEAR = 2000, 2099
KEEP_TEXT = "format the column as text before the values are pasted or opened"

_SCIENTIFIC = re.compile(r"[+-]?\d+(?:[.,]\d+)?E[+-]\d+", re.IGNORECASE)
_SPREADSHEET_ERROR = re.compile(r"#[A-Z/0]+[!?]?")
_DATE = re.compile(
    r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}(?:[ T]\d{1,2}:\d\d.*)?|\d{1,2}[-/. ][a-z]{3,9}[-/. ]\d{2,4}|\d{1,4}:\d\d:\d\d",
    re.IGNORECASE,
)
_FORMULA = ("=", "+", "-", "@")


class BadCellError(ValueError):
    """`code` is stable; the message says what to do and holds nothing that is to be concealed."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def clean(cell: str, longest: int) -> str:
    """A cell as PostgreSQL can keep it, cut off behind `longest` characters and one more, that tells it was longer.

    Without space and invisible characters around it, and without the marks that protect it from a spreadsheet.
    """
    text = trimmed(cell)[: longest + 1].replace("\0", "\ufffd")
    text = text.encode("utf-8", "replace").decode("utf-8")
    if len(text) > 1 and text[0] == "'" and text[1] in "=+-@'":
        return text[1:]
    if text.startswith('="') and text.endswith('"') and len(text) > 2:
        return trimmed(text[2:-1])
    return text


def trimmed(text: str) -> str:
    """The text without space, byte order marks and other invisible characters (Unicode's category Cf) around it."""
    text = text.strip()
    if text.isprintable():
        return text
    first, last = 0, len(text)
    while first < last and _is_invisible(text[first]):
        first += 1
    while last > first and _is_invisible(text[last - 1]):
        last -= 1
    return text[first:last]


def visible(text: str) -> str:
    """The text without invisible characters at any place."""
    return "".join(character for character in text if unicodedata.category(character) != "Cf")


def text(value: str, *, what: str, longest: int, conceal: Conceal = nothing_secret) -> str:
    """A short text without control characters that is no formula. Raises BadCellError."""
    if len(value) > longest:
        raise BadCellError("too_long", f"The {what} has more than {longest} characters.")
    if not value.isprintable():
        raise BadCellError(
            "control_character", f"The {what} contains a line break or another character without a shape."
        )
    if value.startswith(_FORMULA):
        raise BadCellError(
            "formula",
            f"The {what} {quoted(value, conceal)} begins with {value[0]!r}, which spreadsheets take for a formula:"
            " leave that off.",
        )
    if _SCIENTIFIC.fullmatch(value) or _SPREADSHEET_ERROR.fullmatch(value):
        refuse_mangled(value, what=what, conceal=conceal)
    return value


def moment(value: str, *, conceal: Conceal = nothing_secret) -> datetime | None:
    """A day or a time in ISO 8601, in UTC where it has no offset; None for an empty cell. Raises BadCellError."""
    if not value:
        return None
    try:
        parsed = datetime.fromisoformat(value)
        parsed = parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)
    except (ValueError, OverflowError):
        raise BadCellError(
            "invalid_date", f"{quoted(value, conceal)} is no date: write 2026-03-10, or 2026-03-10T08:00:00Z."
        ) from None
    if not FIRST_YEAR <= parsed.year <= LAST_YEAR or value.isdigit():
        raise BadCellError(
            "invalid_date",
            f"{quoted(value, conceal)} is no date between the years 2000 and 2099 like 2026-03-10.",
        )
    return parsed


def refuse_mangled(value: str, *, what: str, conceal: Conceal = nothing_secret) -> None:
    """Raise BadCellError for what a spreadsheet made of a cell that it took for a number, a date or a formula."""
    for pattern, made in ((_SCIENTIFIC, "a number"), (_SPREADSHEET_ERROR, "a formula"), (_DATE, "a date")):
        if pattern.fullmatch(value):
            raise BadCellError(
                "mangled_by_spreadsheet",
                f"{quoted(value, conceal)}: a spreadsheet took the {what} for {made}. Take it from the source again,"
                f" and {KEEP_TEXT}.",
            )


def _is_invisible(character: str) -> bool:
    return character.isspace() or unicodedata.category(character) == "Cf"
