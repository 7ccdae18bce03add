"""Where in a JSON text something stands, also in one that no decoder takes. Pure."""

import math
import re
from collections.abc import Callable

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"?|[\[\]{},:]|[^\s"\[\]{},:]+', re.DOTALL)
# As much of a path as says where to look.
_PARTS = 8
# Python reads no longer whole number.
_MOST_DIGITS = 4_300

Opened = list[str | int]


def path_at(text: str, offset: int) -> str:
    """The path of what stands at a character of the text, such as `locations[0].area`; empty for the top level."""
    return _path(text, lambda _, token: token.start() >= offset)


def path_of_depth(text: str, depth: int) -> str:
    """The path of the first value within more objects and lists than `depth`; empty where there is none."""
    return _path(text, lambda opened, _: len(opened) > depth, or_else="")


def path_of_number_that_is_none(text: str) -> str:
    """The path of the first NaN, Infinity or number without end; empty where there is none."""
    return _path(text, lambda _, token: _is_no_number(token[0]), or_else="")


def _path(text: str, found: Callable[[Opened, re.Match[str]], bool], *, or_else: str | None = None) -> str:
    """The path of the first token for which it is found: of each object a member's name, of each list a number."""
    opened: Opened = []
    name = ""
    for token in _TOKEN.finditer(text):
        if found(opened, token):
            return _written(opened)
        mark = token[0]
        if mark in "{[":
            opened.append("" if mark == "{" else 0)
        elif mark in "}]":
            del opened[-1:]
        elif mark == "," and opened:
            opened[-1] = opened[-1] + 1 if isinstance(opened[-1], int) else ""
        elif mark == ":" and opened and isinstance(opened[-1], str):
            opened[-1] = name
        elif mark.startswith('"'):
            name = mark.strip('"')
    return _written(opened) if or_else is None else or_else


def _is_no_number(mark: str) -> bool:
    if mark in ("NaN", "Infinity", "-Infinity") or (len(mark) > _MOST_DIGITS and not mark.startswith('"')):
        return True
    if not mark[0].isdigit() and mark[0] != "-":
        return False
    try:
        return math.isinf(float(mark))
    except ValueError:
        return False


def _written(parts: Opened) -> str:
    shown = [f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts[:_PARTS] if part != ""]
    return "".join(shown).removeprefix(".") + ("…" if len(parts) > _PARTS else "")
