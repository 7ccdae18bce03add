"""The admin's start page: how the fleet stands, how fresh it is, and what is late.

Everything is bounded: one grouped count of the trackers, kept for a few seconds, and lookups by index.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.core.cache import cache
from django.db.models import Case, Count, IntegerField, Value, When
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from foundation.admin import display
from ingestion import selectors as fetching
from ingestion.models import AccountState, FetchState, Heartbeat
from ingestion.thresholds import MAX_BEAT_AGE
from locations.models import SHAPE_OF_LOCATION
from orders import selectors as ordering
from trackers.analytics import alerts
from trackers.models import Alert, GeofenceEvent, GeoStatus, RejectedReport, StatusChange, Tracker
from trackers.services.recomputation import verifying
from trackers.services.recomputation.verifying import Standing

CACHE_KEY = "dashboard:fleet"
ALERTS_KEY = "dashboard:alerts"
CACHE_S = 15
COUNT_LIMIT = 10_000
LISTED = 8
LOW_STOCK = 50
DAY = timedelta(hours=24)
# Upper ends of the classes of freshness; beyond the last is "older", and then there is "never".
FRESHNESS = (
    (timedelta(hours=1), "within 1 h", "1h"),
    (timedelta(hours=6), "1 to 6 h ago", "6h"),
    (timedelta(hours=24), "6 to 24 h ago", "24h"),
)
OLDER, NEVER = len(FRESHNESS), len(FRESHNESS) + 1

Context = dict[str, Any]


@dataclass(frozen=True)
class Share:
    """A number of a whole, with the list that shows it."""

    code: str
    label: str
    number: int
    whole: int
    url: str

    @property
    def percent(self) -> float:
        return round(100 * self.number / self.whole, 1) if self.whole else 0.0


def add_overview(request: HttpRequest, context: Context) -> Context:
    now = timezone.now()
    fleet = _fleet(now)
    drift = verifying.standing(now=now)
    return {
        **context,
        "title": "Overview",
        "now": now,
        "alarms": [*_alarms(now), *_timeline_alarms(drift, now)],
        "statuses": _statuses(fleet),
        "freshness": _freshness(fleet),
        "active": sum(number for (state, _, _), number in fleet.items() if state == Tracker.State.ACTIVE),
        "late": _late(now),
        "stock": _stock(fleet),
        "drift": drift,
        "services": _services(now),
        "latest_events": _latest_events(),
        "alerts": _alerts(),
        "is_empty": not fleet,
    }


def _tracker_list(**filters: str) -> str:
    return f"{reverse('admin:trackers_tracker_changelist')}?{urlencode(filters)}"


def _fleet(now: datetime) -> Counter[tuple[str, str, int]]:
    """How many trackers there are by state, status and class of freshness."""
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
        counts = [((row["state"], row["status"], row["age"]), row["number"]) for row in rows]
        cache.set(CACHE_KEY, counts, CACHE_S)
    return Counter(dict(counts))


def _statuses(fleet: Counter[tuple[str, str, int]]) -> list[Share]:
    numbers: Counter[str] = Counter()
    for (_, status, _), number in fleet.items():
        numbers[status] += number
    whole = sum(numbers.values())
    return [
        Share(
            status.value,
            status.label,
            numbers[status.value],
            whole,
            _tracker_list(status__exact=status.value),
        )
        for status in GeoStatus
    ]


def _freshness(fleet: Counter[tuple[str, str, int]]) -> list[Share]:
    """Of the active trackers only: the others need not report."""
    numbers: Counter[int] = Counter()
    for (state, _, age), number in fleet.items():
        if state == Tracker.State.ACTIVE:
            numbers[age] += number
    whole = sum(numbers.values())
    classes = [(f"AGE_{i}", label, key) for i, (_, label, key) in enumerate(FRESHNESS)]
    classes += [("AGE_OLDER", "longer ago", "silent1d"), ("AGE_NEVER", "never", "never")]
    return [
        Share(
            code, label, numbers[i], whole, _tracker_list(state__exact=Tracker.State.ACTIVE.value, seen=key)
        )
        for i, (code, label, key) in enumerate(classes)
    ]


def _alarms(now: datetime) -> list[str]:
    """What keeps Glimpse from doing its work, in words."""
    alarms = []
    for service in _services(now):
        if not service["ok"]:
            seen = f"last heartbeat {service['ago']}" if service["at"] else "no heartbeat yet"
            alarms.append(f"{service['title']} does not run: {seen}. {service['hint']}")
    cooling = fetching.cooling_accounts(now=now)
    if cooling and len(cooling) == AccountState.objects.count():
        alarms.append("All Apple accounts are cooling down: nothing is fetched until one may be used again.")
    return alarms


def _timeline_alarms(drift: Standing, now: datetime) -> list[str]:
    alarms = []
    if drift.drifted:
        alarms.append(
            f"{drift.drifted:,} histories differed from their reports in the last 24 hours and were repaired:"
            " see the timeline checks, and look for what wrote them."
        )
    if drift.failed:
        alarms.append(f"{drift.failed:,} histories can't be recomputed: the timeline checks name the errors.")
    if not drift.on_time:
        waited = display.ago_text(drift.oldest_verified_at, now)
        alarms.append(
            f"Timelines are checked too slowly: one was last checked {waited}. Check the default worker."
        )
    return alarms


def _services(now: datetime) -> list[Context]:
    beats = fetching.heartbeats()
    known = (
        (Heartbeat.Name.BEAT, MAX_BEAT_AGE, "Check that beat and the default worker run."),
        (
            Heartbeat.Name.FETCH,
            timedelta(seconds=settings.FETCH_LEASE_S),
            "Check that the fetch worker runs.",
        ),
    )
    services = []
    for name, longest, hint in known:
        beat = beats.get(name)
        at = beat.beat_at if beat else None
        services.append(
            {
                "title": name.label,
                "at": at,
                "ago": display.ago_text(at, now),
                "ok": at is not None and now - at <= longest,
                "hint": hint,
                "detail": beat.detail if beat else {},
            }
        )
    return services


def _late(now: datetime) -> Context:
    oldest = fetching.oldest_due_at()
    failing = FetchState.objects.failing().select_related("tracker").order_by("tracker_id")
    rejected = RejectedReport.objects.filter(last_received_at__gte=now - DAY, resolved_at=None)
    reasons = Counter(rejected.order_by("-last_received_at").values_list("reason", flat=True)[:COUNT_LIMIT])
    return {
        "overdue": display.duration(now - oldest) if oldest and oldest < now else "",
        "overdue_is_bad": bool(
            oldest and now - oldest > timedelta(minutes=3 * settings.FETCH_INTERVAL_MINUTES)
        ),
        "failing": list(failing[:LISTED]),
        "failing_number": _at_most(failing.values_list("pk", flat=True)[: COUNT_LIMIT + 1].count()),
        "rejected": [
            (RejectedReport.Reason(reason).label, number) for reason, number in reasons.most_common()
        ],
        "rejected_number": _at_most(reasons.total()),
    }


def _at_most(number: int) -> str:
    return f"over {COUNT_LIMIT:,}" if number >= COUNT_LIMIT else f"{number:,}"


def _stock(fleet: Counter[tuple[str, str, int]]) -> Context:
    """What is in stock, and what placed orders still lack."""
    held = sum(number for (state, _, _), number in fleet.items() if state == Tracker.State.IN_STOCK)
    orders, lacking = ordering.demand()
    return {
        "held": held,
        "orders": orders,
        "lacking": lacking,
        "short": held < lacking,
        "low": held < lacking + LOW_STOCK,
    }


def _alerts() -> list[tuple[str, str, int, str]]:
    """Alerts to act on by kind, most first, with their list; kept for a few seconds."""
    numbers = cache.get(ALERTS_KEY)
    if numbers is None:
        numbers = alerts.open_by_kind(Alert.objects.all())
        cache.set(ALERTS_KEY, numbers, CACHE_S)
    ordered = sorted(numbers.items(), key=lambda item: (-item[1], item[0]))
    page = reverse("admin:trackers_alert_changelist")
    return [(kind, Alert.Kind(kind).label, number, f"{page}?kind={kind}") for kind, number in ordered]


def _latest_events() -> list[Any]:
    """Arrivals and departures, latest recorded first: by way of the status changes, which have an index for it."""
    changes = StatusChange.objects.order_by("-pk").values_list("pk", flat=True)[:LISTED]
    events = GeofenceEvent.objects.valid().filter(status_change__in=list(changes))
    shown = events.select_related("tracker", "location").order_by("-pk")
    return list(shown.defer(*SHAPE_OF_LOCATION)[:LISTED])
