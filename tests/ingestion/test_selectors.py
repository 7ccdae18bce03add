"""Reads about fetching: who is to be fetched, with which keys, and what is queued, due and cooling down."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from ingestion import selectors
from ingestion.models import AccountState, FetchState
from tests.factories import AssignmentFactory, KeyPairFactory, RunFactory, TrackerFactory
from trackers.models import Tracker

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def fetched(**assignment) -> Tracker:
    """A tracker with a key, in force now."""
    tracker = AssignmentFactory(**assignment).tracker
    KeyPairFactory(tracker=tracker)
    return tracker


def state(tracker: Tracker, due_at: datetime | None = NOW, **others) -> FetchState:
    return FetchState.objects.create(tracker=tracker, next_due_at=due_at, **others)


def fetchable(now: datetime = NOW) -> set[int]:
    return set(selectors.fetchable_trackers(now=now).values_list("pk", flat=True))


def test_trackers_without_a_key_or_whose_assignment_is_not_in_force_are_not_fetched():
    mine = fetched(start=NOW - HOUR)
    AssignmentFactory(start=NOW - HOUR)
    fetched(start=NOW - 2 * HOUR, end=NOW)
    fetched(start=NOW + HOUR)
    assert fetchable() == {mine.pk}


def test_the_run_has_to_be_the_one_of_the_assignment_in_force():
    over = RunFactory(start_date=date(2026, 3, 1), end_date=date(2026, 3, 9))
    tracker = fetched(run=over, start=NOW - HOUR)
    AssignmentFactory(tracker=tracker, start=NOW - 30 * HOUR, end=NOW - HOUR)
    assert fetchable() == set()


def test_the_day_is_that_of_utc():
    run = RunFactory(start_date=date(2026, 3, 10), end_date=date(2026, 3, 10))
    tracker = fetched(run=run, start=NOW - 30 * HOUR)
    in_tokyo = timezone(timedelta(hours=9))
    assert fetchable(datetime(2026, 3, 11, 8, 59, tzinfo=in_tokyo)) == {tracker.pk}
    assert fetchable(datetime(2026, 3, 10, 8, 59, tzinfo=in_tokyo)) == set()


def test_jobs_are_of_trackers_that_are_queued_and_still_to_be_fetched():
    queued, taken_out, released = (fetched(start=NOW - HOUR) for _ in range(3))
    state(queued, backoff_factor=4)
    state(taken_out, None)
    state(released)
    Tracker.objects.filter(pk=released.pk).update(state=Tracker.State.RETURNED)
    other = fetched(start=NOW - HOUR)
    state(other)
    jobs = selectors.fetch_jobs([queued.pk, taken_out.pk, released.pk], now=NOW)
    assert {pk: job.backoff_factor for pk, job in jobs.items()} == {queued.pk: 4}


def test_the_keys_of_a_job_are_its_trackers_own_in_the_order_of_rotation():
    tracker = AssignmentFactory(start=NOW - HOUR).tracker
    pairs = {index: KeyPairFactory(tracker=tracker, key_index=index) for index in (2, 0, 1)}
    state(tracker)
    other = fetched(start=NOW - HOUR)
    state(other)
    jobs = selectors.fetch_jobs([tracker.pk, other.pk], now=NOW)
    assert jobs[tracker.pk].hashed_keys == [pairs[index].hashed_key for index in range(3)]
    assert len(jobs[other.pk].hashed_keys) == 1


@pytest.mark.parametrize("batch_size", [1, 2, 3, 4, 100])
def test_everything_that_is_queued_comes_once_in_batches(batch_size):
    states = [state(TrackerFactory(), NOW + number * HOUR) for number in range(4)]
    state(TrackerFactory(), None)
    batches = list(selectors.queued_by_id(batch_size=batch_size))
    assert all(0 < len(batch) <= batch_size for batch in batches)
    assert {pk: due_at for batch in batches for pk, due_at in batch.items()} == {
        it.tracker_id: it.next_due_at for it in states
    }
    assert sum(map(len, batches)) == 4


def test_what_is_queued_among_some():
    queued, taken_out, other = (state(TrackerFactory(), due_at) for due_at in (NOW, None, NOW))
    unknown = TrackerFactory()
    assert selectors.queued_among([queued.pk, taken_out.pk, unknown.pk]) == {queued.pk}
    assert selectors.queued_among([other.pk]) == {other.pk}


def test_the_oldest_due_is_the_earliest_of_all():
    assert selectors.oldest_due_at() is None
    state(TrackerFactory(), None)
    for hours in (3, -2, 5):
        state(TrackerFactory(), NOW + hours * HOUR)
    assert selectors.oldest_due_at() == NOW - 2 * HOUR


def test_an_account_cools_down_until_its_time_is_over():
    for name, until in (("over", NOW), ("cooling", NOW + timedelta(seconds=1)), ("fine", None)):
        AccountState.objects.create(name=name, cooldown_until=until)
    assert selectors.cooling_accounts(now=NOW) == {"cooling"}
