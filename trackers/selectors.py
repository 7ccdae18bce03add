"""Reads across the trackers' models. Each takes what the user may see already, and narrows it."""

import re
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.db.models import Exists, F, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Replace

from trackers.mac import InvalidMac, parse_mac
from trackers.models import Assignment, LocationReport, Tracker

_NO_HEX_DIGIT = re.compile(r"[^0-9A-F]")
_MAC_SEPARATORS = re.compile(r"[:\-. _]")


class Window(NamedTuple):
    """Half open, `since` inclusive; None has no bound."""

    since: datetime | None
    until: datetime | None

    @property
    def length(self) -> timedelta | None:
        return self.until - self.since if self.since and self.until else None


class TrackPoint(NamedTuple):
    seen_at: datetime
    received_at: datetime
    longitude: float
    latitude: float
    accuracy_m: float | None
    battery: str
    usable: bool


def search_trackers(trackers: QuerySet[Tracker], text: str) -> QuerySet[Tracker]:
    """Trackers with this MAC, in any notation, or with this text in their MAC or serial."""
    try:
        mac = parse_mac(text)
    except InvalidMac:
        pass
    else:
        return trackers.filter(Q(mac=mac) | Q(serial=text.strip()))
    matching = Q(serial__icontains=text.strip())
    digits = _MAC_SEPARATORS.sub("", text.upper())
    if digits and not _NO_HEX_DIGIT.search(digits):
        trackers = trackers.alias(mac_digits=Replace("mac", Value(":"), Value("")))
        matching |= Q(mac_digits__contains=digits)
    return trackers.filter(matching)


def silent_since(trackers: QuerySet[Tracker], moment: datetime) -> QuerySet[Tracker]:
    """Trackers that were not seen after `moment`, or never."""
    return trackers.filter(Q(last_seen_at__lte=moment) | Q(last_seen_at=None))


def of_mac(rows: QuerySet[Any], mac: str) -> QuerySet[Any]:
    """Rows of the tracker with this normalised MAC.

    The id is looked up by a subquery that does not depend on the row: to the planner it is a constant, so that the
    index by tracker and time also gives the order. A join would have to sort all rows of the tracker.
    """
    return rows.filter(tracker_id=Tracker.objects.filter(mac=mac).values("pk")[:1])


def reports_under(
    reports: QuerySet[LocationReport], assignments: QuerySet[Assignment]
) -> QuerySet[LocationReport]:
    """Reports that were seen while one of these assignments was in force.

    The list of trackers repeats what EXISTS says: with it, the reports are looked up by the primary key, tracker
    by tracker.
    """
    in_force = assignments.filter(tracker=OuterRef("tracker"), period__contains=OuterRef("seen_at"))
    return reports.filter(Exists(in_force), tracker__in=assignments.values("tracker"))


def rows_under(rows: QuerySet[Any], assignments: QuerySet[Assignment]) -> QuerySet[Any]:
    """Events or status changes of these assignments; as for reports, trackers are named for the index's sake."""
    return rows.filter(assignment__in=assignments.values("pk"), tracker__in=assignments.values("tracker"))


def reports_for_api(reports: QuerySet[LocationReport]) -> QuerySet[LocationReport]:
    """With the tracker's MAC, and `usable`: accurate enough for the run that the tracker was assigned to."""
    accurate_enough = Q(run__max_accuracy_m__gte=OuterRef("accuracy_m")) | Q(Exists(Tracker.objects.none()))
    in_force = Assignment.objects.filter(tracker=OuterRef("tracker"), period__contains=OuterRef("seen_at"))
    return reports.annotate(mac=F("tracker__mac"), usable=Exists(in_force.filter(accurate_enough)))
