"""Search as ops type it: MACs in any notation, several at once, or how a MAC or serial begins."""

import re
from typing import Any

from django.db.models import Q, QuerySet

from trackers.mac import InvalidMacError, parse_mac
from trackers.models import Tracker

_HEX_PREFIX = re.compile(r"[0-9A-F]{1,12}")
_SEPARATORS = re.compile(r"[:\-._]")
FOUND_AT_MOST = 500
_BETWEEN_WORDS = re.compile(r"[\s,;]+")


def find_trackers(trackers: QuerySet[Tracker], text: str) -> QuerySet[Tracker]:
    """Index lookups only: nothing is searched in the middle of a column.

    Of a beginning that many have in common, the first FOUND_AT_MOST are found.
    """
    if mac := _mac(text):
        return trackers.filter(mac=mac)
    words = [word for word in _BETWEEN_WORDS.split(text.strip()) if word]
    if not words:
        return trackers
    macs = [_mac(word) for word in words]
    if all(macs):
        return trackers.filter(mac__in=macs)
    found: set[int] = set()
    # One index each: together they would be sorted out row by row.
    for matching in _beginnings(text.strip()):
        ids = trackers.filter(matching).select_related(None).order_by().values_list("pk", flat=True)
        found.update(ids[:FOUND_AT_MOST])
    return trackers.filter(pk__in=found)


def of_found_trackers(rows: QuerySet[Any], text: str) -> QuerySet[Any]:
    """Rows whose `tracker` is found by the text."""
    return rows.filter(tracker__in=find_trackers(Tracker.objects.all(), text).values("pk"))


def _mac(text: str) -> str | None:
    try:
        return parse_mac(text)
    except InvalidMacError:
        return None


def _beginnings(text: str) -> list[Q]:
    matching = [Q(serial__startswith=serial) for serial in sorted({text, text.upper()})]
    digits = _SEPARATORS.sub("", text.upper())
    if _HEX_PREFIX.fullmatch(digits):
        prefix = ":".join(digits[i : i + 2] for i in range(0, len(digits), 2))
        matching.append(Q(mac__startswith=prefix))
    return matching
