"""Words for messages: numbers of things, and lists of names."""

from collections.abc import Sequence


def counted(number: int, what: str) -> str:
    """`1 tracker`, `2,000 trackers`; `what` in the singular."""
    return f"1 {what}" if number == 1 else f"{number:,} {what}s"


def some_of(names: Sequence[str], *, most: int) -> str:
    """The first `most` of them, and how many more there are."""
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more:,} more" if more > 0 else "")
