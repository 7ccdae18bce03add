"""Search as ops type it: MACs in any notation, several at once, or how a MAC or serial begins."""

import re
from typing import Any

from django.db.models import Q, QuerySet

from trackers.mac import InvalidMac, parse_mac
from trackers.models import Tracker

_HEX_PREFIX = re.compile(r"[0-9A-F]{1,12}")
_SEPARATORS = re.compile(r"[:\-._]")
_BETWEEN_WORDS = re.compile(r"[\s,;]+")


def find_trackers(trackers: QuerySet[Tracker], text: str) -> QuerySet[Tracker]:
    """Index lookups only: nothing is searched in the middle of a column."""
    if mac := _mac(text):
        return trackers.filter(mac=mac)
    words = [word for word in _BETWEEN_WORDS.split(text.strip()) if word]
    if not words:
        return trackers
    macs = [_mac(word) for word in words]
    if all(macs):
        return trackers.filter(mac__in=macs)
    return trackers.filter(_beginning(text.strip()))


def of_found_trackers(rows: QuerySet[Any], text: str) -> QuerySet[Any]:
    """Rows whose `tracker` is found by the text."""
    return rows.filter(tracker__in=find_trackers(Tracker.objects.all(), text).values("pk"))


def _mac(text: str) -> str | None:
    try:
        return parse_mac(text)
    except InvalidMac:
        return None


def _beginning(text: str) -> Q:
    matching = Q(serial__startswith=text) | Q(serial__startswith=text.upper())
    digits = _SEPARATORS.sub("", text.upper())
    if _HEX_PREFIX.fullmatch(digits):
        matching |= Q(mac__startswith=":".join(digits[i : i + 2] for i in range(0, len(digits), 2)))
    return matching
