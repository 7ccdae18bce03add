"""Status periods and dwell times within a range."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.factories import (
    NOW,
    AssignmentFactory,
    DeliveryFactory,
    MembershipFactory,
    RunFactory,
    StatusChangeFactory,
    StorageFactory,
)
from tests.trackers.reports import incoming
from trackers.analytics import scopes, status_periods
from trackers.models import Assignment, LocationReport, StatusChange
from trackers.services.reports import recording

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
WEEK = scopes.bounded(NOW - 7 * DAY, NOW)
pytestmark = pytest.mark.django_db


def period(
    assignment: Assignment, begin: datetime, end: datetime | None, location: Any = None
) -> StatusChange:
    status = {None: "IN_TRANSIT", "STORAGE": "IN_STORAGE", "DELIVERY": "DELIVERED"}
    return StatusChangeFactory(
        assignment=assignment,
        started_at=begin,
        ended_at=end,
        location=location,
        status=status[location and location.kind],
    )


def listed(within: scopes.Range = WEEK, **options: Any) -> list[status_periods.StatusPeriod]:
    return status_periods.page_of_periods(Assignment.objects.all(), within, now=NOW, **options).periods


def test_periods_are_clipped_to_the_range_and_keep_their_own_times() -> None:
    assignment = AssignmentFactory()
    before = period(assignment, NOW - 9 * DAY, NOW - 8 * DAY)
    into = period(assignment, NOW - 8 * DAY, NOW - 6 * DAY)
    lasting = period(assignment, NOW - 6 * DAY, None)
    found = listed()
    assert [row.id for row in found] == [into.pk, lasting.pk]
    assert before.pk not in {row.id for row in found}
    assert (found[0].started_at, found[0].from_at, found[0].until_at) == (
        NOW - 8 * DAY,
        NOW - 7 * DAY,
        NOW - 6 * DAY,
    )
    assert (found[1].ended_at, found[1].until_at, found[1].duration) == (None, NOW, 6 * DAY)


def test_a_period_around_the_whole_range_is_found() -> None:
    period(AssignmentFactory(), NOW - 30 * DAY, None)
    [found] = listed(scopes.bounded(NOW - 3 * DAY, NOW - 2 * DAY))
    assert (found.duration, found.ended_at) == (DAY, None)


def test_retracted_periods_and_those_of_other_assignments_are_left_out() -> None:
    assignment = AssignmentFactory(end=NOW - 3 * DAY)
    period(assignment, NOW - 5 * DAY, NOW - 3 * DAY)
    again = AssignmentFactory(tracker=assignment.tracker, start=NOW - 3 * DAY)
    mine = period(again, NOW - 2 * DAY, None)
    wrong = period(again, NOW - 3 * DAY, NOW - 2 * DAY)
    StatusChange.objects.filter(pk=wrong.pk).update(retracted_at=NOW)
    page = status_periods.page_of_periods(Assignment.objects.filter(run=again.run), WEEK, now=NOW)
    assert [row.id for row in page.periods] == [mine.pk]


def test_a_member_sees_its_own_clients_periods_only() -> None:
    mine = period(AssignmentFactory(), NOW - DAY, None)
    period(AssignmentFactory(), NOW - DAY, None)
    user = MembershipFactory(client=mine.assignment.run.brand.client).user
    page = status_periods.page_of_periods(Assignment.objects.visible_to(user), WEEK, now=NOW)
    assert [row.id for row in page.periods] == [mine.pk]


def test_pages_follow_one_another_without_a_gap() -> None:
    for assignment in AssignmentFactory.create_batch(3):
        for number in range(3):
            period(assignment, NOW - (5 - number) * DAY, NOW - (4 - number) * DAY)
    everything = [row.id for row in listed()]
    found: list[int] = []
    after = None
    for _ in range(9):
        page = status_periods.page_of_periods(Assignment.objects.all(), WEEK, now=NOW, after=after, limit=2)
        found += [row.id for row in page.periods]
        after = page.following
        if after is None:
            break
    assert found == everything
    assert len(found) == 9


def test_visits_to_a_location_are_found_by_it() -> None:
    depot = StorageFactory()
    here = period(AssignmentFactory(), NOW - 20 * DAY, NOW - 6 * DAY, depot)
    period(AssignmentFactory(), NOW - 20 * DAY, NOW - 8 * DAY, depot)
    period(AssignmentFactory(), NOW - 2 * DAY, None, StorageFactory())
    assert [row.id for row in listed(location_id=depot.pk)] == [here.pk]


@pytest.mark.parametrize("length", [40 * timedelta(minutes=1), 5 * HOUR, 30 * HOUR, 4 * DAY])
@pytest.mark.parametrize("offset", [timedelta(), timedelta(minutes=17), timedelta(hours=13, minutes=59)])
def test_reports_of_a_period_are_counted_exactly(length: timedelta, offset: timedelta) -> None:
    """By days, hours and edges, as by counting them all."""
    assignment = AssignmentFactory(start=NOW - 30 * DAY)
    begin = NOW - 6 * DAY - offset
    moments = [NOW - 7 * DAY + number * timedelta(minutes=20) for number in range(7 * 72)]
    recording.record_reports(
        [incoming(assignment.tracker_id, at, number=i) for i, at in enumerate([begin, *moments])], now=NOW
    )
    StatusChange.objects.all().update(started_at=begin, ended_at=begin + length)
    [found] = listed()
    inside = LocationReport.objects.filter(seen_at__gte=begin, seen_at__lt=begin + length)
    assert found.reports == inside.count()
    assert found.first_report_at == inside.order_by("seen_at").first().seen_at  # type: ignore[union-attr]
    assert found.last_report_at == inside.order_by("seen_at").last().seen_at  # type: ignore[union-attr]


def test_dwell_times_by_location() -> None:
    run = RunFactory()
    shop = DeliveryFactory(name="Shop", runs=[run])
    for days in (1, 2, 3, 4, 20):
        period(AssignmentFactory(run=run), NOW - (days + 1) * DAY, NOW - DAY, shop)
    period(AssignmentFactory(run=run), NOW - 6 * DAY, None, StorageFactory())
    period(AssignmentFactory(run=run), NOW - 6 * DAY, None)
    first, second = status_periods.dwell_by_location(Assignment.objects.all(), WEEK, now=NOW)
    assert (first.name, first.visits, first.ongoing) == ("Shop", 5, 0)
    assert (first.median, first.longest) == (3 * DAY, 20 * DAY)
    assert 4 * DAY < first.p90 < 20 * DAY
    assert (second.visits, second.ongoing, second.median) == (1, 1, 6 * DAY)
    assert first.detention == second.detention == timedelta()


def test_detention_begin_after_the_free_time_and_add_up_over_ranges() -> None:
    depot = StorageFactory(free_time_h=24)
    period(AssignmentFactory(), NOW - 5 * DAY, NOW - 2 * DAY, depot)
    period(AssignmentFactory(), NOW - 4 * DAY, NOW - 4 * DAY + HOUR, depot)
    period(AssignmentFactory(), NOW - 3 * DAY, None, depot)

    def detention(within: scopes.Range) -> float:
        return sum(
            row.detention_h
            for row in status_periods.dwell_by_location(
                Assignment.objects.all(), within, now=NOW, location_id=depot.pk
            )
        )

    assert detention(WEEK) == 48 + 48
    parts = [scopes.bounded(NOW - (day + 1) * DAY, NOW - day * DAY) for day in range(7)]
    assert sum(map(detention, parts)) == 96
    [dwell] = status_periods.dwell_by_location(Assignment.objects.all(), WEEK, now=NOW)
    assert (dwell.free_time, dwell.detained, dwell.visits) == (DAY, 2, 3)


def test_a_page_is_never_larger_than_the_greatest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(status_periods, "PERIODS_PER_PAGE", 2)
    assignment = AssignmentFactory()
    for number in range(3):
        period(assignment, NOW - (5 - number) * DAY, NOW - (4 - number) * DAY)
    page = status_periods.page_of_periods(Assignment.objects.all(), WEEK, now=NOW, limit=99)
    assert len(page.periods) == 2
    assert page.following == page.periods[-1].key


def test_a_last_page_that_is_full_has_none_after_it() -> None:
    assignment = AssignmentFactory()
    for number in range(2):
        period(assignment, NOW - (5 - number) * DAY, NOW - (4 - number) * DAY)
    page = status_periods.page_of_periods(Assignment.objects.all(), WEEK, now=NOW, limit=2)
    assert (len(page.periods), page.following) == (2, None)


def test_a_range_may_last_a_leap_year() -> None:
    assert scopes.bounded(NOW, NOW + 366 * DAY) == (NOW, NOW + 366 * DAY)


@pytest.mark.parametrize("days", [0, -1, 366.001, 367])
def test_a_range_is_neither_empty_nor_endless(days: float) -> None:
    with pytest.raises(scopes.InvalidRangeError):
        scopes.bounded(NOW, NOW + days * DAY)
