"""Compares what the running demo has stored with what its plan says."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Sum

from simulation.demo.expectation import Expected, Period
from trackers.models import GeofenceEvent, GeoStatus, LocationReport, RejectedReport, StatusChange, Tracker

CROSSINGS = (GeofenceEvent.Type.ENTRY, GeofenceEvent.Type.EXIT)

Histories = Mapping[str, Sequence[Period]]
Moments = Mapping[str, Collection[datetime]]


def undelivered(expected: Mapping[str, Expected]) -> list[str]:
    """MACs of the trackers that should be DELIVERED and are not (yet)."""
    due = [mac for mac, expectation in expected.items() if expectation.delivered]
    return sorted(
        Tracker.objects.filter(mac__in=due).exclude(status=GeoStatus.DELIVERED).values_list("mac", flat=True)
    ) + sorted(set(due) - set(Tracker.objects.filter(mac__in=due).values_list("mac", flat=True)))


def problems(expected: Mapping[str, Expected], *, injected: int) -> Iterator[str]:
    """What is not as it should be, one sentence each. injected: payloads that the gateway spoiled on purpose."""
    if missing := undelivered(expected):
        yield f"not delivered yet: {len(missing)} trackers, the first is {missing[0]}"
    yield from _reports(expected, _stored_moments(expected))
    yield from _histories(expected, _stored_histories(expected))
    yield from _integrity()
    rejected = rejected_in_all()
    if rejected != injected:
        yield f"{rejected} payloads were rejected, and {injected} were injected"


def _reports(expected: Mapping[str, Expected], stored: Moments) -> Iterator[str]:
    missing = {mac: it.seen_at - set(stored.get(mac, ())) for mac, it in expected.items()}
    if number := sum(map(len, missing.values())):
        first = next(mac for mac, moments in missing.items() if moments)
        yield f"{number} reports of the days before are not stored yet, the first of {first}"
    for mac, moments in stored.items():
        if len(set(moments)) < len(moments):
            yield f"{mac} has a report twice"


def _histories(expected: Mapping[str, Expected], stored: Histories) -> Iterator[str]:
    for mac, expectation in expected.items():
        history = tuple(stored.get(mac, ()))
        if expectation.delivered and history != expectation.history:
            yield f"{mac} should have the history {_told(expectation.history)}, and has {_told(history)}"


def _told(history: Sequence[Period]) -> str:
    names = [f"{period.status} {period.location}" if period.location else period.status for period in history]
    return ", ".join(names) or "none"


def _integrity() -> Iterator[str]:
    """What the constraints of the database ensure too, and what they can't."""
    valid_events = GeofenceEvent.objects.valid()
    orphans = valid_events.filter(type__in=CROSSINGS).exclude(
        Exists(StatusChange.objects.valid().filter(pk=OuterRef("status_change")))
    )
    entries = valid_events.filter(status_change=OuterRef("pk"), type=GeofenceEvent.Type.ENTRY)
    arrivals = StatusChange.objects.valid().filter(location__isnull=False)
    twice = valid_events.values("tracker", "occurred_at", "type").annotate(times=Count("pk"))
    for number, what in (
        (orphans.count(), "events have no status history"),
        (arrivals.exclude(Exists(entries)).count(), "arrivals in the history have no event"),
        (twice.filter(times__gt=1).count(), "events are there twice"),
        (_wrong_summaries().count(), "trackers have another status than their history"),
    ):
        if number:
            yield f"{number} {what}"


def _wrong_summaries() -> QuerySet[Tracker]:
    current = StatusChange.objects.valid().filter(
        tracker=OuterRef("pk"), status=OuterRef("status"), ended_at=None
    )
    return Tracker.objects.filter(~Q(status=GeoStatus.CREATED), ~Exists(current))


def _stored_moments(macs: Collection[str]) -> dict[str, list[datetime]]:
    moments: defaultdict[str, list[datetime]] = defaultdict(list)
    rows = LocationReport.objects.filter(tracker__mac__in=macs).values_list("tracker__mac", "seen_at")
    for mac, seen_at in rows:
        moments[mac].append(seen_at)
    return moments


def _stored_histories(macs: Collection[str]) -> dict[str, list[Period]]:
    histories: defaultdict[str, list[Period]] = defaultdict(list)
    rows = (
        StatusChange.objects.valid()
        .filter(tracker__mac__in=macs)
        .order_by("started_at", "pk")
        .values_list("tracker__mac", "status", "location__name")
    )
    for mac, status, name in rows:
        histories[mac].append(Period(status, name))
    return histories


def rejected_in_all() -> int:
    """Payloads that could not be used, each time one came."""
    counted = RejectedReport.objects.aggregate(total=Sum("occurrences", default=0))
    return int(counted["total"])


def figures(expected: Mapping[str, Expected], *, fetched: int) -> dict[str, Any]:
    """What `demo_check` prints. fetched: payloads that the gateway served, repeats included; decrypted: different
    ones that are stored."""
    events = GeofenceEvent.objects.valid().values_list("type").annotate(Count("pk"))
    statuses = Tracker.objects.values_list("status").annotate(Count("pk"))
    return {
        "reports": {
            "fetched": fetched,
            "decrypted": LocationReport.objects.count(),
            "rejected": rejected_in_all(),
        },
        "events": dict(sorted(events.order_by())),
        "trackers": dict(sorted(statuses.order_by())),
        "delivered_as_expected": sum(it.delivered for it in expected.values()) - len(undelivered(expected)),
    }
