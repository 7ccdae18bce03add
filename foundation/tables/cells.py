"""Single cells: cleaned, and typed or refused with a reason that says what to do. What spreadsheets spoil is found."""

import re
import unicodedata
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Self

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


class NotText(str):
    """The cell of a JSON value that is neither a text nor a whole number; `kind` says what it is."""

    kind: str

    def __new__(cls, text: str, kind: str) -> Self:
        cell = super().__new__(cls, text)
        cell.kind = kind
        return cell


def refuse_other_types(cell: str, *, what: str) -> None:
    """Raise BadCellError for a JSON value that is neither a text nor a whole number."""
    if isinstance(cell, NotText):
        raise BadCellError("not_text", f"The {what} is {cell.kind}: write it as text, in quotation marks.")


def clean(cell: str, longest: int) -> str:
    """A cell as PostgreSQL can keep it, cut off after `longest` characters and one more, that tells it was longer.

    Without invisible characters, without space around it, with plain spaces, and without the marks that protect it
    from a spreadsheet.
    """
    text = spaced(visible(cell)).strip()[: longest + 1].replace("\0", "\ufffd")
    if not text.isascii():
        text = text.encode("utf-8", "replace").decode("utf-8")
    if len(text) > 1 and text[0] == "'" and text[1] in "=+-@'":
        return text[1:]
    if text.startswith('="') and text.endswith('"') and len(text) > 2:
        return text[2:-1].strip()
    return text


def visible(text: str) -> str:
    """The text without characters that nobody sees: byte order marks, marks of direction, joiners, fillers, variation
    selectors (Unicode's category Cf and its few relatives)."""
    return text if text.isascii() else text.translate(_INVISIBLE)


def spaced(text: str) -> str:
    """The text with a plain space for each odd one: no-break, thin, ideographic (Unicode's category Zs)."""
    return text if text.isascii() else text.translate(_SPACES)


def plain(text: str) -> str:
    """What was typed before a program made it pretty: ASCII for odd hyphens, colons, spaces and full-width characters,
    nothing invisible, no quotation marks around it.

    For what has none of these itself, such as addresses, keys and names of columns.
    """
    return (text if text.isascii() else text.translate(_PLAIN)).strip(_AROUND)


def without_leading_marks(text: str) -> str:
    """The text without invisible characters before its first one that is seen or moves on."""
    first = 0
    while first < len(text) and text[first] != "\n" and visible(text[first]) == "":
        first += 1
    return text[first:]


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


class _Translation(dict[int, str | int]):
    """For `str.translate`: what a function makes of each character, remembered."""

    def __init__(self, made_of: Callable[[str], str]) -> None:
        super().__init__()
        self._made_of = made_of

    def __missing__(self, code: int) -> str:
        made = self[code] = self._made_of(chr(code))
        return made


def _seen(character: str) -> str:
    return "" if unicodedata.category(character) == "Cf" or _FILLERS.match(character) else character


def _with_plain_space(character: str) -> str:
    return " " if unicodedata.category(character) == "Zs" else character


def _as_typed(character: str) -> str:
    if _seen(character) == "":
        return ""
    category = unicodedata.category(character)
    if category == "Pd" or character in _HYPHENS:
        return "-"
    if category in ("Pi", "Pf") or character in _QUOTES:
        return '"'
    if character in _COLONS:
        return ":"
    if "\uff01" <= character <= "\uff5e":
        return chr(ord(character) - 0xFEE0)
    return _with_plain_space(character)


# Not of category Cf, and as invisible: joiners, fillers, vowels without a shape, variation selectors.
_FILLERS = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\uffa0\ufe00-\ufe0f]")
_HYPHENS = "\u2212\u02d7\u2043"
_COLONS = "\u2236\ua789\u02d0\ufe55\uff1a"
_QUOTES = "`\u00b4\u2032\u2033\u201a\u201e\u301d\u301e\uff02\uff07"
_AROUND = "\"'` \t\r\n\f\v"
_INVISIBLE = _Translation(_seen)
_SPACES = _Translation(_with_plain_space)
_PLAIN = _Translation(_as_typed)
