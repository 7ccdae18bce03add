"""Values as ops read them: how long ago, and badges."""

from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

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


def utc(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def ago(moment: datetime | None, now: datetime | None = None) -> SafeString | str:
    """`42 min ago`, with the time itself on hover."""
    text = ago_text(moment, now or timezone.now())
    if moment is None:
        return text
    return format_html(
        '<time class="gl-nowrap" datetime="{}" title="{}">{}</time>', moment.isoformat(), utc(moment), text
    )


def badge(code: str, label: Any) -> SafeString:
    """A coloured label; the colours of the codes are in static/admin-glimpse/glimpse.css."""
    return format_html('<span class="gl-badge" data-code="{}">{}</span>', code, label)
