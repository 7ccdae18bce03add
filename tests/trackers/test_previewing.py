"""What a change of a fence would do is found out without doing it."""

from datetime import timedelta

import pytest

from tests.factories import AMSTERDAM, NOW, AssignmentFactory, RunFactory, StorageFactory
from tests.trackers.test_assigning import report
from trackers.models import StatusChange
from trackers.services.recomputation import previewing, queueing

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)


@pytest.fixture
def trackers():
    """Three that stood in Amsterdam, where no fence is yet; the last one with most reports."""
    run = RunFactory()
    made = [AssignmentFactory(run=run).tracker for _ in range(3)]
    for tracker, reports in zip(made, (1, 2, 5), strict=True):
        for number in range(reports):
            report(tracker, NOW - number * HOUR)
    return made


def previewed(trackers, *, seconds_a_reading=0):
    """Of a fence around them."""
    location = StorageFactory(center=AMSTERDAM)
    location.runs.add(trackers[0].assignments.get().run)
    job = queueing.queue_fence(location_id=location.pk, before=None, actor=None, now=NOW)
    readings = iter(range(1_000))
    return previewing.preview_job(
        job=job, clock=lambda: NOW + next(readings) * timedelta(seconds=seconds_a_reading)
    )


def test_preview_counts_whom_a_new_fence_changes_and_writes_nothing(trackers):
    found = previewed(trackers)
    assert (found.affected, found.examined, found.compared, found.changing) == (3, 3, 3, 3)
    assert (found.complete, found.periods_added, found.periods_retracted) == (True, 3, 3)
    assert [example.mac for example in found.examples] == [tracker.mac for tracker in trackers]
    assert not StatusChange.objects.filter(status="IN_STORAGE").exists()


def test_trackers_of_many_reports_are_compared_alone(trackers, monkeypatch):
    monkeypatch.setattr(previewing, "REPORTS_AT_ONCE", 3)
    found = previewed(trackers)
    assert (found.complete, found.compared, found.changing) == (True, 3, 3)


def test_one_of_too_many_reports_is_left_to_the_replay(trackers, monkeypatch):
    monkeypatch.setattr(previewing, "REPORTS_AT_ONCE", 3)
    monkeypatch.setattr(previewing, "LONGEST", 4)
    found = previewed(trackers)
    assert (found.complete, found.examined, found.compared, found.changing) == (False, 3, 2, 2)


def test_preview_ends_with_its_time_and_estimates(trackers, monkeypatch):
    monkeypatch.setattr(previewing, "REPORTS_AT_ONCE", 1)
    found = previewed(trackers, seconds_a_reading=3)
    assert (found.complete, found.examined, found.changing, found.estimated) == (False, 1, 1, 3)
