"""The start page says what needs attention and what does not run, and says nothing when all is well."""

from datetime import datetime, timedelta
from html import unescape
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from ingestion.models import AccountState, FetchState, Heartbeat
from ops.pages import health, overview
from tests.admin.shown import alarms, facts, marks, numbers
from tests.factories import (
    NOW,
    AlertFactory,
    AssignmentFactory,
    DeliveryFactory,
    EventFactory,
    OrderFactory,
    RejectedReportFactory,
    StatusChangeFactory,
    StorageFactory,
    TrackerFactory,
)
from trackers.models import Alert, RejectedReport, TimelineCheck, Tracker

pytestmark = pytest.mark.django_db

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
OVERDUE = "Oldest overdue fetch"


def page(ops: Client) -> Any:
    return ops.get(reverse("admin:index"))


def fetch_due(since: timedelta) -> None:
    FetchState.objects.create(tracker=TrackerFactory(), next_due_at=timezone.now() - since)


def account(name: str, cools_for: timedelta | None) -> None:
    until = None if cools_for is None else timezone.now() + cools_for
    AccountState.objects.create(name=name, cooldown_until=until)


def beats(**ages: timedelta) -> None:
    for name, age in ages.items():
        Heartbeat.objects.create(name=name, beat_at=timezone.now() - age, detail={})


@pytest.fixture
def all_is_well(db: None, settings: Any) -> None:
    settings.FETCH_INTERVAL_MINUTES, settings.FETCH_LEASE_S = 20, 300
    beats(beat=timedelta(seconds=5), fetch=MINUTE)
    TimelineCheck.objects.create(checked_at=timezone.now(), trackers=3, drifted=0)


@pytest.mark.usefixtures("all_is_well")
def test_without_anything_wrong_there_is_no_alarm_and_nothing_is_marked(ops: Client) -> None:
    html = page(ops).content
    assert alarms(html) == []
    assert set().union(*marks(html).values()) == set()
    assert facts(html)[OVERDUE] == "nothing is overdue"


@pytest.mark.parametrize(
    ("due", "said", "is_bad"),
    [
        (-HOUR, "nothing is overdue", False),
        (5 * MINUTE, "5 min", False),
        (39 * MINUTE, "39 min", False),
        (41 * MINUTE, "41 min", True),
    ],
)
@pytest.mark.usefixtures("all_is_well")
def test_fetch_that_is_overdue_for_two_intervals_is_bad(
    ops: Client, due: timedelta, said: str, is_bad: bool
) -> None:
    fetch_due(due)
    html = page(ops).content
    assert facts(html)[OVERDUE] == said
    assert ("gl-bad" in marks(html)[OVERDUE]) is is_bad


@pytest.mark.parametrize(
    ("cooling", "is_said"),
    [
        ([], False),
        ([HOUR], True),
        ([HOUR, HOUR], True),
        ([HOUR, None], False),
        ([HOUR, -MINUTE], False),
        ([-MINUTE], False),
    ],
)
@pytest.mark.usefixtures("all_is_well")
def test_only_when_every_account_cools_down_nothing_is_fetched(
    ops: Client, cooling: list[timedelta | None], is_said: bool
) -> None:
    for number, cools_for in enumerate(cooling):
        account(f"ops-{number}", cools_for)
    said = [alarm for alarm in alarms(page(ops).content) if "Apple account" in alarm]
    assert bool(said) is is_said


@pytest.mark.parametrize(
    ("ages", "silent"),
    [
        ({"beat": timedelta(seconds=55), "fetch": timedelta(seconds=290)}, []),
        (
            {"beat": timedelta(seconds=65), "fetch": MINUTE},
            ["Schedule does not run: last heartbeat 1 min"],
        ),
        ({"beat": MINUTE / 4, "fetch": 6 * MINUTE}, ["Fetching does not run: last heartbeat 6 min"]),
        ({"beat": MINUTE / 4}, ["Fetching does not run: no heartbeat yet"]),
    ],
)
def test_service_that_does_not_run_is_an_alarm(
    ops: Client, settings: Any, ages: dict[str, timedelta], silent: list[str]
) -> None:
    settings.FETCH_LEASE_S = 300
    beats(**ages)
    said = alarms(page(ops).content)
    assert len(said) == len(silent)
    assert all(alarm.startswith(beginning) for alarm, beginning in zip(said, silent, strict=True))


@pytest.mark.usefixtures("all_is_well")
def test_histories_that_differed_or_failed_or_wait_too_long_are_alarms(ops: Client) -> None:
    def check(age: timedelta, **found: int) -> None:
        TimelineCheck.objects.create(checked_at=timezone.now() - age, trackers=9, **({"drifted": 0} | found))

    check(25 * HOUR, drifted=7, failed=7)
    assert alarms(page(ops).content) == []
    check(HOUR, drifted=2)
    check(23 * HOUR, drifted=1, failed=4)
    html = page(ops).content
    (drift, failure) = alarms(html)
    assert drift.startswith("3 histories differed")
    assert failure.startswith("4 histories can't be recomputed")
    assert facts(html)["Histories that differed, 24 h"] == "3 of 21 checked, 4 failed"
    assert marks(html)["Histories that differed, 24 h"] == {"gl-bad"}


@pytest.mark.usefixtures("all_is_well")
def test_tracker_whose_history_waits_for_its_check_is_an_alarm(ops: Client) -> None:
    tracker = AssignmentFactory().tracker
    verified(tracker, 25 * HOUR)
    assert alarms(page(ops).content) == []
    verified(tracker, 27 * HOUR)
    (alarm,) = alarms(page(ops).content)
    assert "one was last checked 1 d ago" in alarm


def verified(tracker: Tracker, age: timedelta) -> None:
    Tracker.objects.filter(pk=tracker.pk).update(verified_at=timezone.now() - age)


@pytest.mark.usefixtures("all_is_well")
def test_rejected_reports_of_the_last_day_are_counted_by_reason_while_they_are_open(ops: Client) -> None:
    now = timezone.now()

    def rejected(at: datetime, reason: str, resolved_at: datetime | None = None) -> None:
        row = RejectedReportFactory(reason=reason, resolved_at=resolved_at)
        RejectedReport.objects.filter(pk=row.pk).update(last_received_at=at)

    reason = RejectedReport.Reason
    rejected(now - HOUR, reason.MALFORMED)
    rejected(now - 24 * HOUR + MINUTE, reason.MALFORMED)
    rejected(now - 2 * HOUR, reason.UNDECRYPTABLE)
    rejected(now - 24 * HOUR - MINUTE, reason.MALFORMED)
    rejected(now - HOUR, reason.MALFORMED, resolved_at=now)
    html = page(ops).content
    assert facts(html)["Rejected reports, 24 h, unresolved"] == "3"
    assert marks(html)["Rejected reports, 24 h, unresolved"] == {"gl-warn"}
    text = unescape(html.decode())
    assert f"{reason.MALFORMED.label}: 2 · {reason.UNDECRYPTABLE.label}: 1" in text


@pytest.mark.parametrize(
    ("age", "link"),
    [
        (59 * MINUTE, "1h"),
        (61 * MINUTE, "6h"),
        (6 * HOUR - MINUTE, "6h"),
        (6 * HOUR + MINUTE, "24h"),
        (24 * HOUR - MINUTE, "24h"),
        (24 * HOUR + MINUTE, "silent1d"),
        (None, "never"),
    ],
)
def test_active_trackers_are_counted_by_when_they_were_last_seen(
    ops: Client, age: timedelta | None, link: str
) -> None:
    seen_at = None if age is None else timezone.now() - age
    TrackerFactory(state=Tracker.State.ACTIVE, last_seen_at=seen_at)
    TrackerFactory(state=Tracker.State.LOST, last_seen_at=seen_at)
    shares = page(ops).context["freshness"]
    assert {share.url.rpartition("=")[2]: share.number for share in shares if share.number} == {link: 1}
    assert [share.percent for share in shares if share.number] == [100.0]
    assert all("state__exact=ACTIVE" in share.url for share in shares)


def test_trackers_are_counted_by_status_with_their_share(ops: Client) -> None:
    depot, shop = StorageFactory(), DeliveryFactory()
    for status, number, location in (
        ("IN_TRANSIT", 1, None),
        ("IN_STORAGE", 2, depot),
        ("DELIVERED", 5, shop),
    ):
        TrackerFactory.create_batch(number, status=status, location=location)
    shares = {share.code: share for share in page(ops).context["statuses"]}
    assert {code: (share.number, share.percent) for code, share in shares.items()} == {
        "CREATED": (0, 0.0),
        "IN_TRANSIT": (1, 12.5),
        "IN_STORAGE": (2, 25.0),
        "DELIVERED": (5, 62.5),
    }
    assert len(ops.get(shares["IN_STORAGE"].url).context["cl"].result_list) == 2


@pytest.mark.parametrize(
    ("held", "wanted", "mark"),
    [
        (51, 0, set()),
        (49, 0, {"gl-warn"}),
        (54, 5, {"gl-warn"}),
        (55, 5, set()),
        (5, 5, {"gl-warn"}),
        (4, 5, {"gl-bad"}),
    ],
)
def test_stock_is_low_before_it_is_short(ops: Client, held: int, wanted: int, mark: set[str]) -> None:
    TrackerFactory.create_batch(held)
    TrackerFactory(state=Tracker.State.ALLOCATED)
    if wanted:
        OrderFactory(quantity=wanted)
    html = page(ops).content
    number, marked = numbers(html)["In stock"]
    assert (number, marked) == (str(held), mark)
    assert any("stock is short" in alarm for alarm in alarms(html)) is (mark == {"gl-bad"})


def test_start_page_without_trackers_says_how_to_begin(ops: Client) -> None:
    assert "No tracker yet" in page(ops).content.decode()
    cache.clear()
    TrackerFactory(state=Tracker.State.ACTIVE)
    TrackerFactory()
    text = page(ops).content.decode()
    assert "No tracker yet" not in text
    assert "Of 1 active trackers." in text


def test_trackers_that_keep_failing_are_named_with_their_error(ops: Client) -> None:
    failing = FetchState.objects.create(
        tracker=TrackerFactory(), consecutive_failures=99, last_error="timeout: no answer in 30 s"
    )
    fine = FetchState.objects.create(tracker=TrackerFactory(), consecutive_failures=1, last_error="once")
    html = page(ops).content
    assert facts(html)["Trackers that keep failing"] == "1"
    assert marks(html)["Trackers that keep failing"] == {"gl-bad"}
    assert failing.tracker.mac in html.decode()
    assert "timeout: no answer in 30 s" in html.decode()
    assert fine.tracker.mac not in html.decode()


def test_latest_arrivals_and_departures_are_valid_ones_newest_first(ops: Client) -> None:
    now = timezone.now()
    depot = StorageFactory(name="Depot")
    macs = []
    for number in range(3):
        assignment = AssignmentFactory()
        moment = now - (3 - number) * HOUR
        change = StatusChangeFactory(
            assignment=assignment, status="IN_STORAGE", location=depot, started_at=moment
        )
        EventFactory(
            assignment=assignment,
            type="ENTRY",
            location=depot,
            status_change=change,
            occurred_at=moment,
            retracted_at=now if number == 1 else None,
        )
        macs.append(assignment.tracker.mac)
    text = page(ops).content.decode()
    assert text.index(macs[2]) < text.index(macs[0])
    assert macs[1] not in text


@pytest.mark.parametrize(("number", "said"), [(0, "0"), (2, "2"), (3, "3"), (4, "over 3"), (5, "over 3")])
def test_numbers_are_exact_up_to_what_is_counted(
    ops: Client, monkeypatch: pytest.MonkeyPatch, number: int, said: str
) -> None:
    monkeypatch.setattr(health, "COUNT_LIMIT", 3)
    for tracker in TrackerFactory.create_batch(number):
        FetchState.objects.create(tracker=tracker, consecutive_failures=99, last_error="timeout")
        RejectedReportFactory(last_received_at=timezone.now())
    shown = facts(page(ops).content)
    assert shown["Trackers that keep failing"] == said
    assert shown["Rejected reports, 24 h, unresolved"] == said


def test_failing_trackers_are_listed_oldest_first_and_a_few_of_them(
    ops: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "LISTED", 2)
    trackers = TrackerFactory.create_batch(3)
    for tracker in reversed(trackers):
        FetchState.objects.create(tracker=tracker, consecutive_failures=99, last_error="timeout")
    listed = page(ops).context["late"].failing
    assert [row.tracker for row in listed] == trackers[:2]


def test_alerts_to_act_on_are_counted_by_kind_most_first(ops: Client) -> None:
    for kind, number in (("LEFT_COUNTRY", 1), ("SILENT", 3), ("BATTERY_LOW", 1), ("OFF_ROUTE", 2)):
        AlertFactory.create_batch(number, kind=kind)
    outage = Alert.objects.create(
        kind="SILENT_PLACE",
        location=StorageFactory(),
        began_at=NOW,
        latest_at=NOW,
        recorded_at=NOW,
    )
    AlertFactory(kind="LONG_STAY", ended_at=NOW)
    AlertFactory(kind="LONG_STAY", retracted_at=NOW)
    AlertFactory(kind="SILENT", part_of=outage)
    counted = [(count.kind, count.number) for count in page(ops).context["alerts"]]
    assert counted == [
        ("SILENT", 3),
        ("OFF_ROUTE", 2),
        ("BATTERY_LOW", 1),
        ("LEFT_COUNTRY", 1),
        ("SILENT_PLACE", 1),
    ]


def test_reasons_of_rejections_come_most_frequent_first(ops: Client) -> None:
    reasons = RejectedReport.Reason
    for reason, number in ((reasons.MALFORMED, 1), (reasons.UNKNOWN_KEY, 3), (reasons.UNDECRYPTABLE, 2)):
        RejectedReportFactory.create_batch(number, reason=reason, last_received_at=timezone.now())
    told = page(ops).context["late"].rejected
    assert [(each.label, each.number) for each in told] == [
        (reasons.UNKNOWN_KEY.label, 3),
        (reasons.UNDECRYPTABLE.label, 2),
        (reasons.MALFORMED.label, 1),
    ]


def test_latest_events_are_those_that_were_recorded_last(
    ops: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where they happened before others."""
    monkeypatch.setattr(overview, "LISTED", 2)
    now, depot, events = timezone.now(), StorageFactory(), []
    for hours in (1, 3, 2):
        assignment = AssignmentFactory()
        change = StatusChangeFactory(
            assignment=assignment, status="IN_STORAGE", location=depot, started_at=now - hours * HOUR
        )
        events.append(
            EventFactory(
                assignment=assignment,
                type="ENTRY",
                location=depot,
                status_change=change,
                occurred_at=change.started_at,
            )
        )
    assert page(ops).context["latest_events"] == [events[2], events[1]]
