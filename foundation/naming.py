"""What is said of a name that somebody sent and nothing knows."""

import difflib
from collections.abc import Iterable

from foundation.strict_json import shown

MOST_NAMED = 30


def unknown(kind: str, name: str, known: Iterable[str]) -> str:
    """That there is no such field or parameter, which it may have meant, and which there are."""
    names = sorted(known)
    if not names:
        return f"There is no {kind} `{shown(name)}`: none is taken here."
    named = ", ".join(names[:MOST_NAMED]) + (", …" if len(names) > MOST_NAMED else "")
    meant = closest(name, names)
    return (
        f"There is no {kind} `{shown(name)}`{f'; did you mean `{meant}`?' if meant else '.'} Known: {named}."
    )


def closest(name: str, known: Iterable[str]) -> str | None:
    """The known name that is like this one, whatever its case, hyphens and underscores are."""
    plain = {_plain(each): each for each in known}
    found = difflib.get_close_matches(_plain(name[:100]), plain, n=1)
    return plain[found[0]] if found else None


def _plain(name: str) -> str:
    return "".join(character for character in name.lower() if character.isalnum())
