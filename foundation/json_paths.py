"""Where in a JSON text something stands, also in one that no decoder takes. Pure."""

import re

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"?|[\[\]{},:]|[^\s"\[\]{},:]+', re.DOTALL)
# As much of a path as says where to look.
_PARTS = 8


def path_at(text: str, offset: int) -> str:
    """The path of what stands at a character of the text, such as `locations[0].area`; empty for the top level."""
    return _walked(text, offset, None)


def path_of_depth(text: str, depth: int) -> str:
    """The path of the first value that lies deeper than this many objects and lists; empty where there is none."""
    return _walked(text, len(text), depth)


def _walked(text: str, offset: int, depth: int | None) -> str:
    """What is open at the offset, or where the depth is first exceeded: names of objects' members, numbers of lists."""
    opened: list[str | int] = []
    name = ""
    for token in _TOKEN.finditer(text):
        mark = token[0]
        if token.start() > offset:
            break
        if mark in "{[":
            opened.append("" if mark == "{" else 0)
            if depth is not None and len(opened) > depth:
                return _written(opened)
        elif mark in "}]":
            if opened:
                opened.pop()
        elif mark == "," and opened:
            opened[-1] = opened[-1] + 1 if isinstance(opened[-1], int) else ""
        elif mark == ":" and opened and isinstance(opened[-1], str):
            opened[-1] = name
        elif mark.startswith('"'):
            name = mark.strip('"')
    return "" if depth is not None else _written(opened)


def _written(parts: list[str | int]) -> str:
    shown = [f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts[:_PARTS] if part != ""]
    return "".join(shown).removeprefix(".") + ("…" if len(parts) > _PARTS else "")
