"""What is kept, ended, retracted and added when a stored window is compared with what it should say."""

from datetime import timedelta

import pytest

from tests.factories import NOW, make_fingerprint
from trackers.rules.corrections import Corrections, NewStay, StoredEvent, StoredStay, correct
from trackers.rules.timeline import IN_TRANSIT, Event, EventType, Place, Status, Stay, Timeline

HOUR = timedelta(hours=1)
STORED = Place(Status.IN_STORAGE, 1)


def stay(hour, place=IN_TRANSIT):
    return Stay(place, NOW + hour * HOUR, make_fingerprint(hour))


def transit(hour):
    return Event(EventType.TRANSIT, None, NOW + hour * HOUR, make_fingerprint(hour), None)


def entry(hour):
    return Event(EventType.ENTRY, 1, NOW + hour * HOUR, make_fingerprint(hour), stay(hour, STORED))


def row(id_, event, status_change_id=None):
    return StoredEvent(
        id_, event.type, event.location_id, event.occurred_at, event.fingerprint, status_change_id
    )


FIRST, SECOND = stay(0), stay(2, STORED)
TIMELINE = Timeline([FIRST, SECOND], [transit(0), transit(1), entry(2)])
EVENT_ROWS = [row(1, transit(0)), row(2, transit(1)), row(3, entry(2), status_change_id=20)]
STAY_ROWS = [StoredStay(10, FIRST, SECOND.started_at), StoredStay(20, SECOND, None)]


def corrected(timeline=TIMELINE, *, before=None, stays=STAY_ROWS, events=EVENT_ROWS, ends_at=None):
    return correct(timeline, before=before, stays=stays, events=events, ends_at=ends_at)


def test_nothing_to_do_where_the_store_is_right():
    corrections = corrected()
    assert corrections.is_empty
    assert corrections.kept == {FIRST: 10, SECOND: 20}


def test_everything_is_added_to_an_empty_store():
    corrections = corrected(stays=[], events=[])
    assert corrections == Corrections(
        stays_to_add=[NewStay(FIRST, SECOND.started_at), NewStay(SECOND, None)],
        events_to_add=TIMELINE.events,
    )


def test_everything_is_retracted_where_nothing_should_be():
    corrections = corrected(Timeline([], []))
    assert corrections == Corrections(stays_to_retract=[10, 20], events_to_retract=[1, 2, 3])


@pytest.mark.parametrize("order", [1, -1])
def test_wrong_row_is_replaced_and_the_row_before_ends_anew(order):
    moved = stay(1, STORED)
    corrections = corrected(Timeline([FIRST, moved], [transit(0), entry(1)]), stays=STAY_ROWS[::order])
    assert corrections.stays_to_retract == [20]
    assert corrections.stays_to_end == [(10, moved.started_at)]
    assert corrections.stays_to_add == [NewStay(moved, None)]
    assert corrections.events_to_retract == [2, 3]
    assert corrections.events_to_add == [entry(1)]


def test_assignment_that_ends_closes_its_last_stay():
    assert corrected(ends_at=NOW + 5 * HOUR).stays_to_end == [(20, NOW + 5 * HOUR)]


def test_stay_before_the_window_ends_where_the_first_one_begins_or_the_assignment_does():
    before = StoredStay(5, stay(-3), None)
    assert corrected(before=before).stays_to_end == [(5, FIRST.started_at)]
    nothing = corrected(Timeline([], []), before=before, stays=[], events=[], ends_at=NOW + HOUR)
    assert nothing.stays_to_end == [(5, NOW + HOUR)]
    assert corrected(before=before._replace(ended_at=FIRST.started_at)).is_empty


def test_crossing_that_carries_a_wrong_status_change_is_replaced():
    wrong = [*EVENT_ROWS[:2], row(3, entry(2), status_change_id=10)]
    corrections = corrected(events=wrong)
    assert (corrections.events_to_retract, corrections.events_to_add) == ([3], [entry(2)])


def test_crossing_is_written_anew_with_its_status_change():
    corrections = corrected(stays=STAY_ROWS[:1])
    assert corrections.stays_to_add == [NewStay(SECOND, None)]
    assert (corrections.events_to_retract, corrections.events_to_add) == ([3], [entry(2)])


def test_repeated_row_is_retracted():
    corrections = corrected(stays=[*STAY_ROWS, StoredStay(30, SECOND, None)])
    assert corrections.stays_to_retract == [30]
    assert corrections.kept[SECOND] == 20
