from datetime import UTC, date, datetime, timedelta

import pytest

from foundation.redis_connection import connect
from ingestion.models import FetchState
from ingestion.services import queueing
from keys.models import KeyPair
from tests.factories import AssignmentFactory, KeyPairFactory, RunFactory, TrackerFactory
from trackers.models import Tracker

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _lease(settings):
    settings.FETCH_LEASE_S = 300


@pytest.fixture
def tracker(queue) -> Tracker:
    tracker = AssignmentFactory().tracker
    KeyPairFactory(tracker=tracker)
    return tracker


def queued_ids(queue) -> set[int]:
    return {tracker_id for chunk in queue.tracker_ids() for tracker_id in chunk}


def test_a_tracker_at_work_is_queued_and_due_at_once(queue, tracker):
    outcome = queueing.sync_queue(now=NOW)

    assert (outcome.added, outcome.removed, outcome.restored) == (1, 0, 0)
    assert FetchState.objects.get().next_due_at == NOW
    assert [claim.tracker_id for claim in queue.claim(limit=5, now=NOW)] == [tracker.pk]


@pytest.mark.parametrize("state", [state for state in Tracker.State if state != Tracker.State.ACTIVE])
def test_only_active_trackers_are_queued(queue, state):
    KeyPairFactory(tracker=AssignmentFactory(tracker__state=state).tracker)

    queueing.sync_queue(now=NOW)

    assert queued_ids(queue) == set()


@pytest.mark.parametrize(
    ("start", "end", "queued"),
    [
        (date(2026, 3, 10), date(2026, 3, 10), True),
        (date(2026, 3, 1), date(2026, 3, 9), False),
        (date(2026, 3, 11), date(2026, 3, 12), False),
    ],
)
def test_the_dates_of_the_run_include_today(queue, start, end, queued):
    run = RunFactory(start_date=start, end_date=end)
    KeyPairFactory(tracker=AssignmentFactory(run=run).tracker)

    queueing.sync_queue(now=NOW)

    assert len(queue) == queued


@pytest.mark.parametrize(
    ("start", "end", "queued"),
    [
        (NOW - timedelta(days=2), NOW, False),
        (NOW - timedelta(days=2), NOW + timedelta(seconds=1), True),
        (NOW, None, True),
        (NOW + timedelta(seconds=1), None, False),
    ],
)
def test_the_assignment_is_in_force_now(queue, start, end, queued):
    KeyPairFactory(tracker=AssignmentFactory(start=start, end=end).tracker)

    queueing.sync_queue(now=NOW)

    assert len(queue) == queued


def test_a_tracker_without_keys_is_not_queued(queue):
    AssignmentFactory()
    TrackerFactory(state=Tracker.State.ACTIVE)

    queueing.sync_queue(now=NOW)

    assert len(queue) == 0


def test_the_end_of_the_lifecycle_removes_even_a_claimed_tracker(queue, tracker):
    queueing.sync_queue(now=NOW)
    [claim] = queue.claim(limit=1, now=NOW)
    Tracker.objects.update(state=Tracker.State.RETIRED)

    outcome = queueing.sync_queue(now=NOW + timedelta(seconds=30))

    assert outcome.removed == 1
    assert queue.reschedule({claim: NOW + timedelta(minutes=20)}) == 0
    assert queued_ids(queue) == set()
    assert FetchState.objects.get().next_due_at is None


def test_a_tracker_that_comes_back_starts_without_its_old_backoff(queue, tracker):
    FetchState.objects.create(
        tracker=tracker, backoff_factor=16, consecutive_failures=9, last_error="x", last_success_at=NOW
    )

    queueing.sync_queue(now=NOW)

    state = FetchState.objects.get()
    assert (state.next_due_at, state.backoff_factor, state.consecutive_failures) == (NOW, 1, 0)
    assert not state.is_failing
    assert state.last_success_at == NOW


def test_a_second_sync_changes_nothing(queue, tracker, django_assert_max_num_queries):
    queueing.sync_queue(now=NOW)
    queue.claim(limit=1, now=NOW)

    with django_assert_max_num_queries(8):
        outcome = queueing.sync_queue(now=NOW + timedelta(seconds=30))

    assert (outcome.added, outcome.removed, outcome.restored) == (0, 0, 0)
    assert queue.claim(limit=1, now=NOW + timedelta(seconds=30)) == []


def test_sync_takes_as_many_queries_for_fifty_trackers_as_for_one(queue, django_assert_max_num_queries):
    run = RunFactory()
    for _ in range(50):
        KeyPairFactory(tracker=AssignmentFactory(run=run).tracker)

    with django_assert_max_num_queries(10):
        assert queueing.sync_queue(now=NOW).added == 50


def _fleet_with_states(number: int) -> list[int]:
    run = RunFactory()
    trackers = [AssignmentFactory(run=run).tracker for _ in range(number)]
    for tracker in trackers:
        KeyPairFactory(tracker=tracker)
    FetchState.objects.bulk_create(
        FetchState(tracker=tracker, next_due_at=NOW - timedelta(seconds=index))
        for index, tracker in enumerate(trackers)
    )
    return [tracker.pk for tracker in trackers]


def test_what_redis_lost_is_rebuilt_with_its_due_times(queue, settings):
    ids = _fleet_with_states(30)
    queueing.rebuild_queue(now=NOW)
    connect(settings.REDIS_URL).delete(f"{settings.REDIS_PREFIX}fetch:due")

    outcome = queueing.sync_queue(now=NOW)

    assert outcome.restored == 30
    claims = queue.claim(limit=100, now=NOW)
    assert [claim.tracker_id for claim in claims] == ids[::-1]
    assert claims[0].due_at == NOW - timedelta(seconds=29)


def test_a_rebuild_leaves_the_claims_of_running_workers_alone(queue):
    ids = _fleet_with_states(6)
    queueing.rebuild_queue(now=NOW)
    claims = queue.claim(limit=3, now=NOW)

    assert queueing.rebuild_queue(now=NOW + timedelta(seconds=10)) == 0

    others = queue.claim(limit=10, now=NOW + timedelta(seconds=10))
    assert {claim.tracker_id for claim in claims}.isdisjoint({claim.tracker_id for claim in others})
    assert len(claims) + len(others) == len(ids)
    assert queue.release(claims) == 3


def test_a_rebuild_removes_what_is_not_queued_any_more(queue):
    _fleet_with_states(3)
    queue.restore({999_999: NOW}, now=NOW)

    assert queueing.rebuild_queue(now=NOW) == 4

    assert len(queue) == 3


def test_keys_of_another_tracker_do_not_count(queue, tracker):
    KeyPair.objects.update(tracker=TrackerFactory())

    assert queueing.sync_queue(now=NOW).added == 0
