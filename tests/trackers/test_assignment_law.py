"""The law of the timeline under assignments that begin and end behind the reports.

Only what lies from that moment on is played, and yet the store says what the oracle says of all of it.
"""

import dataclasses
from datetime import timedelta
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.factories import BrandFactory
from tests.laws import law
from tests.trackers.oracle import Stint
from tests.trackers.test_timeline_law import (
    LATER,
    assert_crossings_carry_history,
    assert_recomputation_finds_nothing_wrong,
    assert_told,
    staged,
)
from tests.trackers.worlds import STEPS, hesitant_worlds, moment, worlds
from trackers.models import Tracker
from trackers.services import assigning
from trackers.services.recomputation import jobs
from trackers.services.reports.recording import record_reports

pytestmark = pytest.mark.django_db


def release_all(stage, at, end):
    """By either service; the last assignment of each tracker ends, if it is in force."""
    for number, stints in enumerate(stage.stints):
        last = stints[-1]
        if last.end is None and last.start < at:
            end(stage.trackers[number].pk, at)
            stints[-1] = dataclasses.replace(last, end=at)


def release(tracker_id, at):
    assigning.release(tracker_ids=[tracker_id], at=at, now=LATER)


def take_away(tracker_id, at):
    assigning.end_all(tracker_ids=[tracker_id], at=at, now=LATER, state=Tracker.State.ACTIVE)


def assign_all(stage, start, run):
    for number, stints in enumerate(stage.stints):
        if stints[-1].end is not None and stints[-1].end <= start:
            ids = [stage.trackers[number].pk]
            [made] = assigning.assign(tracker_ids=ids, run=run, start=start, now=LATER)
            stints.append(Stint(made.pk, run.pk, start, None))
    while jobs.work_off(clock=lambda: LATER, time_budget_s=60):
        pass


@given(
    world=worlds | hesitant_worlds,
    steps=st.lists(st.integers(0, STEPS), min_size=4, max_size=4).map(sorted),
    end=st.sampled_from([release, take_away]),
    off_by=st.sampled_from([timedelta(), timedelta(minutes=5)]),
    at_once=st.sampled_from([0, 5_000]),
)
@law(150)
def test_assignments_that_begin_and_end_behind_the_reports(world, steps, end, off_by, at_once):
    with staged(world, BrandFactory()) as stage, patch.object(assigning, "REPORTS_AT_ONCE", at_once):
        seen = [it for batch in world.arrivals for it in batch]
        late = seen[::4]
        record_reports([stage.incoming(it) for it in seen if it not in late], now=LATER)
        times = [moment(step) + off_by for step in steps]
        known = [it for it in seen if it not in late]
        release_all(stage, times[0], end)
        assert_told(stage, known)
        assign_all(stage, times[1], stage.runs[-1])
        assert_told(stage, known)
        release_all(stage, times[2], end)
        record_reports([stage.incoming(it) for it in late], now=LATER)
        assign_all(stage, times[3], stage.runs[0])
        assert_told(stage, seen)
        assert_crossings_carry_history()
        assert_recomputation_finds_nothing_wrong(stage)
