"""Journeys, read from the history."""

from datetime import timedelta

import pytest

from tests.factories import (
    NOW,
    AllocationFactory,
    AssignmentFactory,
    DeliveryFactory,
    OrderFactory,
    RunFactory,
    StorageFactory,
)
from tests.trackers.analytics.test_status_periods import period
from trackers.analytics import deliveries
from trackers.analytics.completion import Journey
from trackers.models import Assignment, StatusChange

DAY = timedelta(days=1)
pytestmark = pytest.mark.django_db


def read(assignment: Assignment) -> Journey:
    [found] = deliveries.journeys(Assignment.objects.filter(pk=assignment.pk))
    return found


def make(*parts: tuple[int, object]) -> Assignment:
    """Status periods that begin this many days before NOW, each until the next."""
    assignment = AssignmentFactory(start=NOW - 30 * DAY)
    for number, (days, location) in enumerate(parts):
        end = NOW - parts[number + 1][0] * DAY if number + 1 < len(parts) else None
        period(assignment, NOW - days * DAY, end, location)
    return assignment


def test_a_journey_from_storage_to_delivery() -> None:
    depot, hub, shop = StorageFactory(), StorageFactory(), DeliveryFactory()
    found = read(make((20, depot), (18, None), (15, hub), (14, None), (10, shop)))
    assert (found.first_seen_at, found.origin_id) == (NOW - 20 * DAY, hub.pk)
    assert (found.departed_at, found.delivered_at) == (NOW - 14 * DAY, NOW - 10 * DAY)
    assert (found.away_since, found.stored) == (None, False)


def test_delivered_and_left_for_storage() -> None:
    depot, shop = StorageFactory(), DeliveryFactory()
    found = read(make((20, depot), (18, None), (10, shop), (8, None), (5, depot), (4, None)))
    assert (found.departed_at, found.delivered_at, found.away_since) == (
        NOW - 18 * DAY,
        NOW - 10 * DAY,
        NOW - 8 * DAY,
    )


def test_back_in_storage_undelivered() -> None:
    depot = StorageFactory()
    found = read(make((20, depot), (18, None), (5, depot)))
    assert (found.stored, found.left_at, found.delivered_at) == (True, None, None)


def test_never_seen_and_never_in_storage() -> None:
    unseen = read(make())
    assert (unseen.first_seen_at, unseen.left_at, unseen.stored) == (None, None, False)
    found = read(make((3, None)))
    assert (found.origin_id, found.left_at) == (None, NOW - 3 * DAY)


def test_retracted_periods_do_not_count() -> None:
    assignment = make((20, StorageFactory()), (18, None), (10, DeliveryFactory()))
    StatusChange.objects.filter(status="DELIVERED").update(retracted_at=NOW)
    assert read(assignment).delivered_at is None


def test_shares_of_runs() -> None:
    run = RunFactory()
    for location in (DeliveryFactory(), StorageFactory()):
        period(AssignmentFactory(run=run), NOW - DAY, None, location)
    [share] = deliveries.latest_runs(Assignment.objects.all(), 5)
    assert (share.run, share.trackers, share.delivered, share.percent) == (run, 2, 1, 50)


def test_runs_that_end_last_come_first_and_a_few_of_them() -> None:
    today = NOW.date()
    first, last, second = (RunFactory(start_date=today, end_date=today + days * DAY) for days in (1, 9, 5))
    again = RunFactory(start_date=today, end_date=today + 5 * DAY)
    for run in (first, last, second, again):
        AssignmentFactory(run=run)
    RunFactory(start_date=today, end_date=today + 99 * DAY)
    shares = deliveries.latest_runs(Assignment.objects.all(), 3)
    assert [share.run for share in shares] == [last, again, second]


def test_a_delivery_that_was_retracted_is_none() -> None:
    assignment = AssignmentFactory()
    period(assignment, NOW - DAY, None, DeliveryFactory())
    StatusChange.objects.update(retracted_at=NOW)
    [share] = deliveries.latest_runs(Assignment.objects.all(), 5)
    assert (share.trackers, share.delivered) == (1, 0)


def test_of_very_many_trackers_the_first_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deliveries, "JOURNEYS_READ", 2)
    made = [AssignmentFactory() for _ in range(3)]
    found = deliveries.journeys(Assignment.objects.order_by("-pk"))
    assert {journey.assignment_id for journey in found} == {each.pk for each in made[:2]}


def test_an_orders_assignments_are_those_of_its_trackers_while_allocated() -> None:
    from orders import selectors

    order = OrderFactory()
    mine = AssignmentFactory(run=order.run, start=NOW)
    AllocationFactory(order=order, tracker=mine.tracker, allocated_at=NOW)
    others = AssignmentFactory(run=order.run, start=NOW)
    AllocationFactory(order=OrderFactory(run=order.run), tracker=others.tracker, allocated_at=NOW)
    before = AssignmentFactory(run=order.run, start=NOW - 9 * DAY, end=NOW - 8 * DAY, tracker=mine.tracker)
    found = selectors.assignments_of(order, Assignment.objects.all())
    assert list(found) == [mine]
    assert before.pk
