"""Objects of a JSON array, one after another: the array as a whole is never in memory."""

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple, TextIO

from foundation import strict_json
from foundation.tables.problems import Conceal, UnreadableFileError, nothing_secret, quoted

MAX_OBJECT_CHARACTERS = 2**20

_BLOCK_CHARACTERS = 64 * 1024
_SPACE = re.compile(r"[ \t\r\n]*")


class Item(NamedTuple):
    """An object of the array; the first has the number 1. Numbers are texts, as they stand in the file."""

    number: int
    value: dict[str, Any]


def objects(
    text: TextIO, *, example: str, head: str = "", conceal: Conceal = nothing_secret
) -> Iterator[Item]:
    """Yield the objects of a JSON array of objects, read on demand.

    example: how an object of such a file looks, for messages. head: what was read of the text already. conceal: names
    that no message repeats. Raises UnreadableFileError with the row at which the text is no JSON or no object, or names
    a member twice.
    """
    buffer = _Buffer(text, head)
    if buffer.next() != "[":
        raise UnreadableFileError(f"The JSON is no array: write [{example}, …].")
    buffer.skip()
    number = 0
    if buffer.next() == "]":
        buffer.skip()
    else:
        more = True
        while more:
            number += 1
            yield Item(number, _object(buffer, number, example, conceal))
            more = _goes_on(buffer, number)
    if buffer.next():
        raise UnreadableFileError("The file is no valid JSON: there is something after the end of the array.")


def _object(buffer: "_Buffer", number: int, example: str, conceal: Conceal) -> dict[str, Any]:
    try:
        value = buffer.decode()
    except strict_json.UnfitJsonError as error:
        wrong = (
            f"names {quoted(error.name, conceal)} twice"
            if error.name
            else f"is no valid JSON: {error.message}"
        )
        raise UnreadableFileError(f"Row {number} {wrong}.") from None
    except json.JSONDecodeError as error:
        raise UnreadableFileError(f"Row {number} is no valid JSON: {error.msg}.") from None
    if not isinstance(value, dict):
        raise UnreadableFileError(f"Row {number} is no object: write each as {example}.")
    return value


def _goes_on(buffer: "_Buffer", number: int) -> bool:
    found = buffer.next()
    buffer.skip()
    if found not in (",", "]"):
        raise UnreadableFileError(
            f"The file is no valid JSON: row {number} is followed neither by a comma nor by the end of the array."
        )
    return found == ","


class _Buffer:
    """The text from a position on, with more of it where it is needed."""

    def __init__(self, text: TextIO, head: str) -> None:
        self._text = text
        self._buffer = head
        self._position = 0
        self._decoder = strict_json.Decoder(numbers_as_text=True)

    def next(self) -> str:
        """The next character that is no space, empty at the end; the position is there."""
        while True:
            self._position = _end_of_space(self._buffer, self._position)
            if self._position < len(self._buffer):
                return self._buffer[self._position]
            if not self._more():
                return ""

    def skip(self) -> None:
        self._position += 1

    def decode(self) -> Any:
        """The value here; the position is behind it. Raises `json.JSONDecodeError` or UnfitJsonError."""
        self.next()
        while True:
            try:
                value, self._position = self._decoder.raw_decode(self._buffer, self._position)
            except json.JSONDecodeError:
                # It may only be cut off at the end of what was read.
                if len(self._buffer) - self._position > MAX_OBJECT_CHARACTERS or not self._more():
                    raise
            else:
                return value

    def _more(self) -> bool:
        block = self._text.read(_BLOCK_CHARACTERS)
        self._buffer = self._buffer[self._position :] + block
        self._position = 0
        return bool(block)


def _end_of_space(text: str, position: int) -> int:
    found = _SPACE.match(text, position)
    return found.end() if found else position
