"""Lengths of time in words. Pure."""

from datetime import datetime, timedelta

NEVER = "never"
_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"))


def duration(length: timedelta) -> str:
    """`42 min`, `3 h 5 min`, `12 d 4 h`; the sign is ignored."""
    seconds = abs(int(length.total_seconds()))
    parts = []
    for size, name in _UNITS:
        number, seconds = divmod(seconds, size)
        if number:
            parts.append(f"{number} {name}")
    return " ".join(parts[:2]) or "less than a minute"


def short_duration(length: timedelta) -> str:
    """As `duration`, rounded down to its largest unit."""
    seconds = abs(int(length.total_seconds()))
    for size, name in _UNITS:
        if seconds >= size:
            return f"{seconds // size} {name}"
    return f"{seconds} s"


def ago_text(moment: datetime | None, now: datetime) -> str:
    if moment is None:
        return NEVER
    length = short_duration(now - moment)
    return f"{length} ago" if moment <= now else f"in {length}"
