"""The start page: how the fleet stands, how fresh what we know of it is, and what is overdue or failing.

Everything is bounded: one grouped count of the trackers, kept for a few seconds, and lookups by index.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.core.cache import cache
from django.db.models import Case, Count, IntegerField, Value, When

from locations.models import SHAPE_OF_LOCATION
from ops.pages import health
from ops.pages.health import Overdue, Service
from orders import selectors as ordering
from trackers.analytics import alerts
from trackers.models import Alert, GeofenceEvent, GeoStatus, StatusChange, Tracker
from trackers.services import recomputation

CACHE_KEY = "overview:fleet"
ALERTS_KEY = "overview:alerts"
CACHE_S = 15
LISTED = 8
LOW_STOCK = 50
# Upper ends of the classes of freshness; beyond the last is "older", and then there is "never". The last is the
# choice of the trackers' filter by when they were last seen.
FRESHNESS = (
    (timedelta(hours=1), "within 1 h", "1h"),
    (timedelta(hours=6), "1 to 6 h ago", "6h"),
    (timedelta(hours=24), "6 to 24 h ago", "24h"),
)
OLDER, NEVER = len(FRESHNESS), len(FRESHNESS) + 1


class FleetClass(NamedTuple):
    """Trackers of one lifecycle state and one shipment status; age is an index of FRESHNESS, OLDER or NEVER."""

    state: str
    status: str
    age: int


Fleet = Counter[FleetClass]


@dataclass(frozen=True)
class Share:
    """A number of a whole, and what narrows the list of trackers to it, by the field."""

    code: str
    label: str
    number: int
    whole: int
    state: str = ""
    status: str = ""
    seen: str = ""

    @property
    def percent(self) -> float:
        return round(100 * self.number / self.whole, 1) if self.whole else 0.0


@dataclass(frozen=True)
class Stock:
    """Trackers in stock, and how many devices the placed orders still lack."""

    held: int
    orders: int
    lacking: int

    @property
    def short(self) -> bool:
        return self.held < self.lacking

    @property
    def low(self) -> bool:
        return self.held < self.lacking + LOW_STOCK


class AlertCount(NamedTuple):
    """How many alerts of a kind there are to act on."""

    kind: str
    label: str
    number: int


@dataclass(frozen=True)
class Overview:
    """active: how many trackers `freshness` is about. drift: what the latest timeline checks found."""

    now: datetime
    alarms: list[str]
    statuses: list[Share]
    freshness: list[Share]
    active: int
    late: Overdue
    stock: Stock
    drift: recomputation.CheckSummary
    services: list[Service]
    latest_events: list[GeofenceEvent]
    alerts: list[AlertCount]
    is_empty: bool


def show(*, now: datetime) -> Overview:
    fleet = _fleet(now)
    drift = recomputation.check_summary(now=now)
    services = health.services(now)
    return Overview(
        now=now,
        alarms=[*health.alarms(services, now), *health.timeline_alarms(drift, now)],
        statuses=_statuses(fleet),
        freshness=_freshness(fleet),
        active=sum(number for group, number in fleet.items() if group.state == Tracker.State.ACTIVE),
        late=health.overdue(now),
        stock=_stock(fleet),
        drift=drift,
        services=services,
        latest_events=_latest_events(),
        alerts=_alerts(),
        is_empty=not fleet,
    )


def _fleet(now: datetime) -> Fleet:
    """How many trackers there are of each class."""
    counts = cache.get(CACHE_KEY)
    if counts is None:
        age = Case(
            *(
                When(last_seen_at__gte=now - limit, then=Value(i))
                for i, (limit, _, _) in enumerate(FRESHNESS)
            ),
            When(last_seen_at=None, then=Value(NEVER)),
            default=Value(OLDER),
            output_field=IntegerField(),
        )
        rows = Tracker.objects.values("state", "status", age=age).annotate(number=Count("*")).order_by()
        counts = list(rows)
        cache.set(CACHE_KEY, counts, CACHE_S)
    return Counter({FleetClass(row["state"], row["status"], row["age"]): row["number"] for row in counts})


def _statuses(fleet: Fleet) -> list[Share]:
    numbers: Counter[str] = Counter()
    for group, number in fleet.items():
        numbers[group.status] += number
    whole = sum(numbers.values())
    return [
        Share(status.value, status.label, numbers[status.value], whole, status=status.value)
        for status in GeoStatus
    ]


def _freshness(fleet: Fleet) -> list[Share]:
    """Of the active trackers only: the others need not report."""
    numbers: Counter[int] = Counter()
    for group, number in fleet.items():
        if group.state == Tracker.State.ACTIVE:
            numbers[group.age] += number
    whole = sum(numbers.values())
    return [
        Share(code, label, numbers[age], whole, state=Tracker.State.ACTIVE.value, seen=seen)
        for age, (code, label, seen) in enumerate(_classes())
    ]


def _classes() -> Iterator[tuple[str, str, str]]:
    """The classes of freshness: code, label, and the choice of the filter."""
    for i, (_, label, seen) in enumerate(FRESHNESS):
        yield f"AGE_{i}", label, seen
    yield "AGE_OLDER", "longer ago", "silent1d"
    yield "AGE_NEVER", "never", "never"


def _stock(fleet: Fleet) -> Stock:
    held = sum(number for group, number in fleet.items() if group.state == Tracker.State.IN_STOCK)
    demand = ordering.demand()
    return Stock(held, demand.orders, demand.lacking)


def _alerts() -> list[AlertCount]:
    """Alerts to act on by kind, most first; kept for a few seconds."""
    numbers = cache.get(ALERTS_KEY)
    if numbers is None:
        numbers = alerts.open_by_kind(Alert.objects.all())
        cache.set(ALERTS_KEY, numbers, CACHE_S)
    counts = [AlertCount(kind, str(Alert.Kind(kind).label), number) for kind, number in numbers.items()]
    return sorted(counts, key=lambda count: (-count.number, count.kind))


def _latest_events() -> list[Any]:
    """Arrivals and departures, latest recorded first: by way of the status changes, which have an index for it."""
    changes = StatusChange.objects.order_by("-pk").values_list("pk", flat=True)[:LISTED]
    events = GeofenceEvent.objects.valid().filter(status_change__in=list(changes))
    shown = events.select_related("tracker", "location").order_by("-pk")
    return list(shown.defer(*SHAPE_OF_LOCATION)[:LISTED])
