"""The figures of a run, an order, a client or a location: deliveries, dwell times, alerts, visits."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from django.db.models import QuerySet

from clients.models import ProductionRun
from foundation.tenancy import Viewer
from locations.models import Location
from trackers.analytics import alerts, completion, deliveries, scopes, status_periods
from trackers.analytics.completion import Completion, Outcome, Pace
from trackers.analytics.deliveries import RunShare
from trackers.models import Alert, Assignment
from trackers.models.alerts import AlertQuerySet
from trackers.pages import charts
from trackers.pages.alerts import AlertList
from trackers.pages.charts import Chart
from trackers.pages.tracker import chosen_days

WINDOWS_DAYS = (7, 30, 90, 365)
DEFAULT_DAYS = 30
PERIODS_LISTED = 25
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


@dataclass(frozen=True)
class Subject:
    """Whose figures: assignments; one location's, or all; the run that they are in, if it is one."""

    assignments: QuerySet[Assignment]
    alerts: AlertQuerySet
    location_id: int | None = None
    run: ProductionRun | None = None


class OutcomeCount(NamedTuple):
    """How many trackers came to this outcome."""

    code: str
    label: str
    number: int


class OriginPace(NamedTuple):
    """How long it took from a storage location, or from any where it is None."""

    origin: Location | None
    pace: Pace


@dataclass(frozen=True)
class Deliveries:
    """How far the deliveries of a run are; `percent` of its trackers are delivered."""

    completion: Completion
    outcomes: list[OutcomeCount]
    percent: float
    chart: Chart | None
    pace: list[OriginPace]


@dataclass(frozen=True)
class AnalyticsPage:
    """dwell, periods: within the last `days`. periods_following: where the next page of periods begins, if there is
    one; periods_paged: this is not the first. deliveries are those of a run, `runs` the shares of several; a location
    has neither."""

    now: datetime
    days: int
    windows: tuple[int, ...]
    dwell: list[status_periods.Dwell]
    alert_list: AlertList
    periods: list[status_periods.StatusPeriod]
    periods_following: str
    periods_paged: bool
    deliveries: Deliveries | None
    runs: list[RunShare]


def of_assignments(
    assignments: QuerySet[Assignment], *, user: Viewer, run: ProductionRun | None = None
) -> Subject:
    """The assignments, which the user may see, and their alerts."""
    mine = alerts.under(Alert.objects.visible_to(user), assignments)
    return Subject(assignments, mine, run=run)


def of_location(location: Location, *, user: Viewer) -> Subject:
    """What the user's trackers did at a location."""
    mine = Alert.objects.visible_to(user).filter(location=location)
    return Subject(Assignment.objects.visible_to(user), mine, location_id=location.pk)


def show(subject: Subject, *, days: str, periods_after: str, now: datetime) -> AnalyticsPage:
    """days: length of the range, one of WINDOWS_DAYS; periods_after: `periods_following` of the page before. Either may
    be any text."""
    length = chosen_days(days, WINDOWS_DAYS, DEFAULT_DAYS)
    within = scopes.bounded(now - timedelta(days=length), now)
    after, location_id = _parse_key(periods_after), subject.location_id
    dwell = status_periods.dwell_by_location(
        subject.assignments, within, limit=LOCATIONS_LISTED, now=now, location_id=location_id
    )
    page = status_periods.page_of_periods(
        subject.assignments, within, after=after, limit=PERIODS_LISTED, now=now, location_id=location_id
    )
    return AnalyticsPage(
        now=now,
        days=length,
        windows=WINDOWS_DAYS,
        dwell=dwell,
        alert_list=AlertList(alerts.newest(subject.alerts, ALERTS_LISTED), now, of_many=True),
        periods=page.periods,
        periods_following=_key_text(page.following) if page.following else "",
        periods_paged=after is not None,
        deliveries=_deliveries(subject.assignments, subject.run, now) if subject.run else None,
        runs=_runs(subject),
    )


def _deliveries(assignments: QuerySet[Assignment], run: ProductionRun, now: datetime) -> Deliveries:
    ends_at = datetime.combine(run.end_date, datetime.min.time(), UTC) + timedelta(days=1)
    found = completion.complete(deliveries.journeys(assignments), run_ends_at=ends_at, now=now)
    origins = Location.objects.in_bulk([pace.origin_id for pace in found.pace if pace.origin_id])
    return Deliveries(
        completion=found,
        outcomes=[OutcomeCount(code.value, label, found.outcomes[code]) for code, label in OUTCOMES],
        percent=round(100 * found.share, 1),
        chart=charts.draw(found),
        pace=[OriginPace(origins.get(pace.origin_id or 0), pace) for pace in found.pace],
    )


def _runs(subject: Subject) -> list[RunShare]:
    if subject.run or subject.location_id:
        return []
    return deliveries.latest_runs(subject.assignments, RUNS_LISTED)


def _key_text(key: status_periods.Key) -> str:
    return f"{key.tracker_id}~{key.started_at.isoformat()}~{key.id}"


def is_page_of_periods(text: str) -> bool:
    """Whether a page of status periods can begin after this."""
    return _parse_key(text) is not None


def _parse_key(text: str) -> status_periods.Key | None:
    """None if the text is no key."""
    try:
        tracker_id, started_at, id_ = text.split("~")
        moment = datetime.fromisoformat(started_at)
        key = status_periods.Key(int(tracker_id), moment, int(id_))
    except ValueError:
        return None
    return key if moment.tzinfo and max(key.tracker_id, key.id) < 2**63 else None
