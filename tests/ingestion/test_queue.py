import itertools
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from ingestion.queue import FetchQueue

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
LEASE = timedelta(seconds=300)


@pytest.fixture(autouse=True)
def _lease(settings):
    settings.FETCH_LEASE_S = 300


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def fill(queue: FetchQueue, dues: dict[int, float]) -> None:
    queue.restore({tracker_id: at(seconds) for tracker_id, seconds in dues.items()}, now=NOW)


def ids(claims) -> list[int]:
    return [claim.tracker_id for claim in claims]


def test_claims_what_is_due_oldest_first(queue):
    fill(queue, {1: -10, 2: -30, 3: 1, 4: -20, 5: 0})

    claims = queue.claim(limit=10, now=NOW)

    assert ids(claims) == [2, 4, 1, 5]
    assert [claim.due_at for claim in claims] == [at(-30), at(-20), at(-10), at(0)]


def test_a_limit_leaves_the_younger_ones(queue):
    fill(queue, {1: -10, 2: -30, 3: -20})

    assert ids(queue.claim(limit=2, now=NOW)) == [2, 3]
    assert ids(queue.claim(limit=2, now=NOW)) == [1]


def test_a_claim_comes_back_when_its_lease_ends(queue):
    fill(queue, {1: -10})
    queue.claim(limit=1, now=NOW)

    assert queue.claim(limit=1, now=at(299.9)) == []
    assert ids(queue.claim(limit=1, now=at(300))) == [1]


def test_ten_workers_never_claim_the_same_tracker(queue):
    fill(queue, {number: -number for number in range(1, 2001)})

    with ThreadPoolExecutor(10) as workers:
        claims = list(workers.map(lambda _: queue.claim(limit=7, now=NOW), range(400)))

    assert Counter(Counter(i for batch in claims for i in ids(batch)).values()) == {1: 2000}


def test_rescheduling_sets_the_next_due_time(queue):
    fill(queue, {1: -10})
    [claim] = queue.claim(limit=1, now=NOW)

    assert queue.reschedule({claim: at(1200)}) == 1

    assert queue.scheduled(1) == at(1200)
    assert queue.claim(limit=1, now=at(1199)) == []
    assert ids(queue.claim(limit=1, now=at(1200))) == [1]


def test_released_claims_keep_their_due_times_and_order(queue):
    fill(queue, {1: -10, 2: -30, 3: -20})

    assert queue.release(queue.claim(limit=3, now=NOW)) == 3

    assert ids(queue.claim(limit=3, now=NOW)) == [2, 3, 1]


def test_a_worker_that_outlived_its_lease_changes_nothing(queue):
    fill(queue, {1: -10})
    [stale] = queue.claim(limit=1, now=NOW)
    [current] = queue.claim(limit=1, now=at(300))

    assert queue.reschedule({stale: at(5000)}) == 0
    assert queue.scheduled(1) == current.lease_ends_at
    assert queue.reschedule({current: at(1500)}) == 1


def test_ending_a_claim_does_not_bring_back_what_was_removed(queue):
    fill(queue, {1: -10})
    [claim] = queue.claim(limit=1, now=NOW)
    queue.remove([1])

    assert queue.reschedule({claim: at(1200)}) == 0
    assert queue.release([claim]) == 0
    assert len(queue) == 0


def test_dropped_claims_leave_the_queue(queue):
    fill(queue, {1: -10, 2: -10})

    assert queue.drop(queue.claim(limit=1, now=NOW)) == 1

    assert len(queue) == 1


def test_restoring_steals_no_lease(queue):
    fill(queue, {1: -10, 2: -5})
    claims = queue.claim(limit=1, now=NOW)

    changed = queue.restore({1: at(-10), 2: at(-5), 3: at(-1)}, now=at(1))

    assert changed == 1
    assert ids(queue.claim(limit=5, now=at(2))) == [2, 3]
    assert queue.reschedule({claims[0]: at(1200)}) == 1


def test_restoring_puts_right_a_due_time_that_no_lease_explains(queue):
    fill(queue, {1: 90_000})

    assert queue.restore({1: at(60)}, now=NOW) == 1

    assert queue.scheduled(1) == at(60)


def test_ids_come_in_batches(queue):
    fill(queue, {number: number for number in range(1, 3001)})

    found = {tracker_id for batch in queue.tracker_ids(batch_size=100) for tracker_id in batch}

    assert found == set(range(1, 3001))


def test_nothing_to_do_is_no_error(queue):
    assert queue.claim(limit=5, now=NOW) == []
    assert queue.reschedule({}) == 0
    assert queue.remove([]) == 0
    assert queue.restore({}, now=NOW) == 0
    assert queue.scheduled(1) is None


def test_nobody_starves_when_there_is_more_to_do_than_can_be_done(queue):
    """Three hours with capacity for 40 of 60 trackers an interval; workers die, and failures double delays."""
    draw = Random(1)
    fill(queue, {tracker_id: draw.uniform(-60, 0) for tracker_id in range(1, 61)})
    fetched: dict[int, list[float]] = {tracker_id: [0.0] for tracker_id in range(1, 61)}
    for second in range(0, 3 * 3600, 30):
        claims = queue.claim(limit=1, now=at(second))
        for claim in claims:
            if draw.random() < 0.05:
                continue
            assert claim.due_at <= at(second)
            fetched[claim.tracker_id].append(second)
            queue.reschedule({claim: at(second + 1200)})

    waits = [later - earlier for times in fetched.values() for earlier, later in itertools.pairwise(times)]
    assert min(len(times) for times in fetched.values()) >= 5
    assert max(waits) < 2 * 60 * 30 + 2 * LEASE.total_seconds()
    assert len(queue) == 60
