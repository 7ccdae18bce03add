"""What is kept, ended, retracted and added when a stored window is compared with what it should say."""

from datetime import timedelta

import pytest

from tests.factories import NOW, make_fingerprint
from trackers.rules.comparison import Difference, NewPeriod, StoredEvent, StoredPeriod, compare
from trackers.rules.timeline import IN_TRANSIT, Event, EventType, Place, Status, StatusPeriod, Timeline

HOUR = timedelta(hours=1)
STORED = Place(Status.IN_STORAGE, 1)


def period(hour, place=IN_TRANSIT):
    return StatusPeriod(place, NOW + hour * HOUR, make_fingerprint(hour))


def transit(hour):
    return Event(EventType.TRANSIT, None, NOW + hour * HOUR, make_fingerprint(hour), None)


def entry(hour):
    return Event(EventType.ENTRY, 1, NOW + hour * HOUR, make_fingerprint(hour), period(hour, STORED))


def row(id_, event, status_change_id=None):
    return StoredEvent(
        id_, event.type, event.location_id, event.occurred_at, event.fingerprint, status_change_id
    )


FIRST, SECOND = period(0), period(2, STORED)
TIMELINE = Timeline([FIRST, SECOND], [transit(0), transit(1), entry(2)])
EVENT_ROWS = [row(1, transit(0)), row(2, transit(1)), row(3, entry(2), status_change_id=20)]
PERIOD_ROWS = [StoredPeriod(10, FIRST, SECOND.started_at), StoredPeriod(20, SECOND, None)]


def differences(timeline=TIMELINE, *, before=None, periods=PERIOD_ROWS, events=EVENT_ROWS, ends_at=None):
    return compare(timeline, before=before, periods=periods, events=events, ends_at=ends_at)


def test_nothing_to_do_where_the_store_is_right():
    difference = differences()
    assert difference.is_empty
    assert difference.kept == {FIRST: 10, SECOND: 20}


def test_everything_is_added_to_an_empty_store():
    difference = differences(periods=[], events=[])
    assert difference == Difference(
        periods_to_add=[NewPeriod(FIRST, SECOND.started_at), NewPeriod(SECOND, None)],
        events_to_add=TIMELINE.events,
    )


def test_everything_is_retracted_where_nothing_should_be():
    difference = differences(Timeline([], []))
    assert difference == Difference(periods_to_retract=[10, 20], events_to_retract=[1, 2, 3])


@pytest.mark.parametrize("order", [1, -1])
def test_wrong_row_is_replaced_and_the_row_before_ends_anew(order):
    moved = period(1, STORED)
    difference = differences(Timeline([FIRST, moved], [transit(0), entry(1)]), periods=PERIOD_ROWS[::order])
    assert difference.periods_to_retract == [20]
    assert difference.periods_to_end == [(10, moved.started_at)]
    assert difference.periods_to_add == [NewPeriod(moved, None)]
    assert difference.events_to_retract == [2, 3]
    assert difference.events_to_add == [entry(1)]


def test_assignment_that_ends_closes_its_last_period():
    assert differences(ends_at=NOW + 5 * HOUR).periods_to_end == [(20, NOW + 5 * HOUR)]


def test_period_before_the_window_ends_where_the_first_one_begins_or_the_assignment_does():
    before = StoredPeriod(5, period(-3), None)
    assert differences(before=before).periods_to_end == [(5, FIRST.started_at)]
    nothing = differences(Timeline([], []), before=before, periods=[], events=[], ends_at=NOW + HOUR)
    assert nothing.periods_to_end == [(5, NOW + HOUR)]
    assert differences(before=before._replace(ended_at=FIRST.started_at)).is_empty


def test_crossing_that_carries_a_wrong_status_change_is_replaced():
    wrong = [*EVENT_ROWS[:2], row(3, entry(2), status_change_id=10)]
    difference = differences(events=wrong)
    assert (difference.events_to_retract, difference.events_to_add) == ([3], [entry(2)])


def test_crossing_is_written_anew_with_its_status_change():
    difference = differences(periods=PERIOD_ROWS[:1])
    assert difference.periods_to_add == [NewPeriod(SECOND, None)]
    assert (difference.events_to_retract, difference.events_to_add) == ([3], [entry(2)])


def test_repeated_row_is_retracted():
    difference = differences(periods=[*PERIOD_ROWS, StoredPeriod(30, SECOND, None)])
    assert difference.periods_to_retract == [30]
    assert difference.kept[SECOND] == 20
