"""JSON of which nothing is lost on the way: a member that is there twice is refused, of which a plain decoder keeps the
last, and so is what JSON has not: NaN, Infinity, numbers without end. Pure.
"""

import json
import math
from collections.abc import Iterator
from typing import Any, NoReturn

# More than anything of ours needs, and far from what Python's own decoder breaks at.
MAX_DEPTH = 64
_NAMED_CHARACTERS = 60


class UnfitJsonError(ValueError):
    """It is JSON, but says something twice or in a way that can't be used. `name` is the member's, or empty."""

    def __init__(self, message: str, *, name: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.name = name


class Fractional(str):
    """A number with a fraction or an exponent, as it is written."""

    __slots__ = ()


class Decoder(json.JSONDecoder):
    """Raises UnfitJsonError for a repeated member at any depth, and json.JSONDecodeError for what is no JSON.

    numbers_as_text: numbers stay as they are written; those with a fraction or an exponent are `Fractional`.
    """

    def __init__(self, *, numbers_as_text: bool = False) -> None:
        super().__init__(
            object_pairs_hook=self._object,
            parse_constant=_refuse_constant,
            parse_float=Fractional if numbers_as_text else _finite,
            parse_int=str if numbers_as_text else _whole,
        )
        self._has_repeated = False

    def raw_decode(self, s: str, idx: int = 0) -> tuple[Any, int]:
        self._has_repeated = False
        try:
            value, end = super().raw_decode(s, idx)
        except RecursionError:
            raise UnfitJsonError("it is nested too deeply") from None
        if self._has_repeated:
            path = next(_repeated(value, ""))
            raise UnfitJsonError(f"the member `{path}` is there twice: give it once", name=path)
        return value, end

    def _object(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        members = dict(pairs)
        if len(members) == len(pairs):
            return members
        self._has_repeated = True
        return _Repeating(pairs)


def decode(text: str | bytes, *, max_depth: int = MAX_DEPTH) -> Any:
    """The value of a whole text. Raises UnfitJsonError, and json.JSONDecodeError or UnicodeDecodeError for what is no
    JSON in UTF-8."""
    value = Decoder().decode(text if isinstance(text, str) else text.decode("utf-8"))
    refuse_unusable(value, max_depth=max_depth)
    return value


def refuse_repeated(text: bytes) -> None:
    """For a text that another decoder reads. Raises UnfitJsonError for repeated members; all else is left to that
    decoder."""
    try:
        Decoder(numbers_as_text=True).decode(text.decode("utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError):
        return
    except UnfitJsonError as error:
        if error.name:
            raise


def refuse_unusable(value: Any, *, max_depth: int = MAX_DEPTH, path: str = "") -> None:
    """Raise UnfitJsonError for nesting beyond `max_depth`, and for texts with half a character, which neither UTF-8 nor
    a database can hold."""
    if max_depth < 0:
        raise UnfitJsonError("it is nested too deeply")
    if isinstance(value, str):
        _refuse_half_characters(value, path)
    elif isinstance(value, dict):
        for name, member in value.items():
            _refuse_half_characters(name, _below(path, name))
            refuse_unusable(member, max_depth=max_depth - 1, path=_below(path, name))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            refuse_unusable(item, max_depth=max_depth - 1, path=f"{path}[{index}]")


def shown(name: str) -> str:
    """A name that somebody sent, as a message repeats it: not too long, and nothing that can't be seen or encoded."""
    short = name if len(name) <= _NAMED_CHARACTERS else f"{name[:_NAMED_CHARACTERS]}…"
    return short if short.isprintable() else repr(short)[1:-1]


class _Repeating(dict[str, Any]):
    """An object in which members are repeated."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        seen: set[str] = set()
        self.repeated = [name for name, _ in pairs if name in seen or seen.add(name)]  # type: ignore[func-returns-value]


def _repeated(value: Any, path: str) -> Iterator[str]:
    """The paths of repeated members, as `reports[3].mac`."""
    if isinstance(value, _Repeating):
        yield from (_below(path, name) for name in value.repeated)
    if isinstance(value, dict):
        for name, member in value.items():
            yield from _repeated(member, _below(path, name))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _repeated(item, f"{path}[{index}]")


def _below(path: str, name: str) -> str:
    return f"{path}.{shown(name)}" if path else shown(name)


def _refuse_half_characters(text: str, path: str) -> None:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise UnfitJsonError(f"`{path}` has half a character (a lone surrogate)", name=path) from None


def _refuse_constant(name: str) -> NoReturn:
    """NaN and Infinity, which JSON has not."""
    raise json.JSONDecodeError(f"{name} is no number", name, 0)


def _finite(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise UnfitJsonError(f"the number {shown(digits)} is too large")
    return number


def _whole(digits: str) -> int:
    try:
        return int(digits)
    except ValueError:
        raise UnfitJsonError(f"the number {shown(digits)} has too many digits") from None
