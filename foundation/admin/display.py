"""Values as ops read them: how long ago, and badges."""

from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from foundation.durations import ago_text, duration, short_duration

__all__ = ["ago", "ago_text", "badge", "duration", "short_duration", "utc"]


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
