"""The one table of a tracker's lifecycle states, what holds it in the database, and what repeats it for readers."""

import re
from itertools import permutations
from pathlib import Path

import pytest
from django.db import DatabaseError, transaction

from foundation import bulk
from tests.factories import NOW, TrackerFactory
from trackers.lifecycle import ALLOCATE, SHIP, STEPS, TRANSITIONS, LifecycleState
from trackers.models import Tracker
from trackers.services import assigning

DOCS = (Path(__file__).resolve().parents[2] / "docs" / "orders.md").read_text()
PAIRS = list(permutations(LifecycleState.values, 2))


def save(trackers, after):
    for tracker in trackers:
        tracker.state = after
        tracker.save(update_fields=["state"])


def update(trackers, after):
    Tracker.objects.filter(pk__in=[tracker.pk for tracker in trackers]).update(state=after)


def run_sql(trackers, after):
    bulk.execute(
        "UPDATE trackers_tracker SET state = %(after)s WHERE id = ANY(%(ids)s)",
        {"after": after, "ids": [tracker.pk for tracker in trackers]},
    )


def states_of(trackers):
    ids = [tracker.pk for tracker in trackers]
    return set(Tracker.objects.filter(pk__in=ids).values_list("state", flat=True))


def test_transitions_are_those_that_were_agreed_on():
    assert sorted(TRANSITIONS) == [
        ("ACTIVE", "LOST"),
        ("ACTIVE", "RETIRED"),
        ("ACTIVE", "RETURNED"),
        ("ALLOCATED", "ACTIVE"),
        ("ALLOCATED", "IN_STOCK"),
        ("ALLOCATED", "LOST"),
        ("ALLOCATED", "RETIRED"),
        ("IN_STOCK", "ALLOCATED"),
        ("IN_STOCK", "LOST"),
        ("IN_STOCK", "RETIRED"),
        ("LOST", "RETIRED"),
        ("LOST", "RETURNED"),
        ("RETURNED", "IN_STOCK"),
        ("RETURNED", "LOST"),
        ("RETURNED", "RETIRED"),
    ]


@pytest.mark.django_db
@pytest.mark.parametrize("change", [save, update, run_sql])
@pytest.mark.parametrize(("before", "after"), PAIRS)
def test_database_takes_the_transitions_that_there_are_and_no_other(before, after, change):
    trackers = TrackerFactory.create_batch(2, state=before)
    if (before, after) in TRANSITIONS:
        change(trackers, after)
        assert states_of(trackers) == {after}
        return
    with pytest.raises(DatabaseError, match="Invalid transition"), transaction.atomic():
        change(trackers, after)
    assert states_of(trackers) == {before}


@pytest.mark.django_db
def test_one_tracker_that_may_not_change_refuses_the_whole_statement():
    trackers = [TrackerFactory(state="ACTIVE"), TrackerFactory(state="RETIRED")]
    with pytest.raises(DatabaseError, match="Invalid transition"), transaction.atomic():
        run_sql(trackers, "LOST")
    assert states_of(trackers) == {"ACTIVE", "RETIRED"}


@pytest.mark.django_db
@pytest.mark.parametrize("state", LifecycleState.values)
def test_a_state_that_stays_is_no_change(state):
    trackers = TrackerFactory.create_batch(2, state=state)
    update(trackers, state)
    assert states_of(trackers) == {state}


@pytest.mark.django_db
@pytest.mark.parametrize(
    "before", [it for it in LifecycleState if it not in (*SHIP.comes_from, SHIP.becomes)]
)
def test_only_allocated_trackers_are_activated(before):
    tracker = TrackerFactory(state=before)
    with pytest.raises(DatabaseError, match="Invalid transition"), transaction.atomic():
        assigning.activate(tracker_ids=[tracker.pk], now=NOW)
    assert states_of([tracker]) == {before}


def test_a_tracker_goes_from_the_stock_to_its_client():
    assert [ALLOCATE.comes_from[0], ALLOCATE.becomes, SHIP.becomes] == ["IN_STOCK", "ALLOCATED", "ACTIVE"]
    assert ALLOCATE.becomes in SHIP.comes_from


def test_docs_list_the_steps_that_there_are():
    table = DOCS.partition("## A device\n")[2].partition("\n\nThe database")[0]
    rows = [re.split(r" *\| *", line.strip("| ")) for line in table.strip().splitlines()[2:]]
    told = {(name, frozenset(before.split(", ")), after) for name, before, after in rows}
    names = ("allocate", "ship", "take back", "return to stock", "report lost", "retire")
    assert told == {
        (name, frozenset(state.label.lower() for state in step.comes_from), step.becomes.label.lower())
        for name, step in zip(names, STEPS, strict=True)
    }
