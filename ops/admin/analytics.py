"""Pages of figures beside the forms of runs, clients and locations: deliveries, dwell times, alerts, stays."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from unfold.decorators import action

from clients.admin.clients import ClientAdmin
from clients.models import Client, ProductionRun
from foundation.admin.base import GlimpseAdmin
from locations.models import Location
from ops.admin.composing import composed
from trackers.analytics import alerts, charts, completion, deliveries, scopes, stays
from trackers.analytics.completion import Outcome
from trackers.models import Alert, Assignment
from trackers.models.alerts import AlertQuerySet

WINDOWS_DAYS = (7, 30, 90, 365)
DEFAULT_DAYS = 30
STAYS_LISTED = 25
ALERTS_LISTED = 20
RUNS_LISTED = 10
LOCATIONS_LISTED = 15
OUTCOMES = (
    (Outcome.DELIVERED, "Delivered"),
    (Outcome.DELIVERED_AND_LEFT, "Delivered, and left again"),
    (Outcome.ON_THE_WAY, "On the way"),
    (Outcome.STORED, "In storage"),
    (Outcome.NOT_SEEN, "Not seen yet"),
    (Outcome.NEVER_DELIVERED, "Taken back undelivered"),
    (Outcome.TIMED_OUT, "Run over, not delivered"),
)

Context = dict[str, Any]


@dataclass(frozen=True)
class Subject:
    """Whose figures: assignments; one location's, or all; the run that they are in, if it is one."""

    assignments: QuerySet[Assignment]
    alerts: AlertQuerySet
    location_id: int | None = None
    run: ProductionRun | None = None


class AnalyticsAdmin(GlimpseAdmin):
    """Offers `subject(request, row)` as a page, by a button on the row's own."""

    actions_detail = ("analytics",)

    def subject(self, request: HttpRequest, row: Any) -> Subject:
        raise NotImplementedError

    @action(description="Analytics", url_path="analytics", icon="monitoring")
    def analytics(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = self.get_object(request, object_id)
        if row is None or not self.has_view_permission(request, row):
            raise Http404
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": row,
            "title": f"Analytics: {row}",
            **page_context(self.subject(request, row), request, timezone.now()),
        }
        return render(request, "admin/trackers/analytics.html", context)


def of_assignments(assignments: QuerySet[Assignment], request: HttpRequest, **others: Any) -> Subject:
    mine = alerts.under(Alert.objects.visible_to(request.user), assignments)
    return Subject(assignments, mine, **others)


def page_context(subject: Subject, request: HttpRequest, now: datetime) -> Context:
    text = request.GET.get("days", "")
    days = int(text) if text in map(str, WINDOWS_DAYS) else DEFAULT_DAYS
    within = scopes.bounded(now - timedelta(days=days), now)
    options: Context = {"now": now, "location_id": subject.location_id}
    after = _parse_key(request.GET.get("stays_after", ""))
    page = stays.page_of_stays(subject.assignments, within, after=after, limit=STAYS_LISTED, **options)
    return {
        "now": now,
        "days": days,
        "windows": WINDOWS_DAYS,
        "dwell": stays.dwell_by_location(subject.assignments, within, limit=LOCATIONS_LISTED, **options),
        "alert_panel": {"alerts": alerts.newest(subject.alerts, ALERTS_LISTED), "now": now, "of_many": True},
        "stays": page.stays,
        "stays_following": _key_text(page.following) if page.following else "",
        "stays_paged": after is not None,
        **_deliveries(subject, now),
    }


def _deliveries(subject: Subject, now: datetime) -> Context:
    """The completion of a run; of anything else the shares of its runs."""
    if subject.location_id:
        return {}
    if subject.run is None:
        return {"runs": deliveries.latest_runs(subject.assignments, RUNS_LISTED)}
    ends_at = datetime.combine(subject.run.end_date, datetime.min.time(), UTC) + timedelta(days=1)
    journeys = deliveries.journeys(subject.assignments)
    found = completion.complete(journeys, run_ends_at=ends_at, now=now)
    origins = Location.objects.in_bulk([pace.origin_id for pace in found.pace if pace.origin_id])
    return {
        "completion": found,
        "outcomes": [(code.value, label, found.outcomes[code]) for code, label in OUTCOMES],
        "percent": round(100 * found.share, 1),
        "chart": charts.draw(found),
        "pace": [(origins.get(pace.origin_id or 0), pace) for pace in found.pace],
    }


def _key_text(key: stays.Key) -> str:
    return f"{key.tracker_id}~{key.started_at.isoformat()}~{key.id}"


def _parse_key(text: str) -> stays.Key | None:
    """None if the text is no key."""
    try:
        tracker_id, started_at, id_ = text.split("~")
        moment = datetime.fromisoformat(started_at)
        key = stays.Key(int(tracker_id), moment, int(id_))
    except ValueError:
        return None
    return key if moment.tzinfo and max(key.tracker_id, key.id) < 2**63 else None


@composed(Client)
class AnalysedClientAdmin(AnalyticsAdmin, ClientAdmin):
    def subject(self, request: HttpRequest, row: Client) -> Subject:
        mine = Assignment.objects.visible_to(request.user).filter(run__brand__client=row)
        return of_assignments(mine, request)
