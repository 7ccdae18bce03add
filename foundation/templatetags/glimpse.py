"""Filters of our admin pages."""

from datetime import datetime, timedelta
from typing import Any

from django import template
from django.utils.safestring import SafeString

from foundation.admin import display

register = template.Library()


@register.filter
def ago(moment: datetime | None, now: datetime) -> SafeString | str:
    return display.ago(moment, now)


@register.filter
def badge(code: str, label: Any) -> SafeString:
    return display.badge(code, label)


@register.filter
def thousands(number: int) -> str:
    return f"{number:,}"


@register.filter
def utc(moment: datetime | None) -> str:
    return display.utc(moment) if moment else "–"


@register.filter
def lasted(period: Any) -> str:
    """How long a row with `started_at` and `ended_at` lasted."""
    return display.duration(period.ended_at - period.started_at) if period.ended_at else "ongoing"


@register.filter
def until(begin: datetime, end: datetime) -> str:
    """How long it is from one moment to another."""
    return display.duration(end - begin)


@register.filter
def lasting(duration: timedelta) -> str:
    return display.duration(duration)


# The network has one byte for the accuracy: what is worse is told as this.
WORST_ACCURACY_M = 255


@register.filter
def accuracy(metres: float | None) -> str:
    """As "30 m"; empty if it is unknown."""
    if metres is None:
        return ""
    return f"{metres:.0f} m" + (" or worse" if metres == WORST_ACCURACY_M else "")


@register.filter
def coordinates(point: Any) -> str:
    return f"{point.y:.5f}, {point.x:.5f}" if point else "–"
