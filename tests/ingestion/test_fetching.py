from datetime import timedelta

import pytest
from django.db import OperationalError, connection, transaction
from django.test.utils import CaptureQueriesContext

from foundation.errors import OpenTransactionError
from ingestion.findmy.client import FetchAnswer, GatewayClient
from ingestion.findmy.protocol import Shape
from ingestion.models import AccountState, AccountTally, FetchState, FetchTally, Heartbeat
from ingestion.services import completing, fetching, queueing
from keys.models import KeyPair
from tests.ingestion.payloads import sealed
from trackers.models import LocationReport, Tracker
from trackers.services import reports

pytestmark = pytest.mark.django_db(transaction=True)


def served(gateway) -> int:
    return gateway.stats()["counts"].get("fetch_v2", 0)


def test_reports_are_fetched_decrypted_and_recorded(make_fleet, serve, fetch, clock, queue):
    trackers = make_fleet(5)
    gateway = serve(trackers)

    run = fetch()

    assert (run.trackers, run.failed, run.rejected, run.waiting) == (5, 0, 0, "")
    assert run.recorded.stored == LocationReport.objects.count() > 50
    assert served(gateway) == 1
    report = LocationReport.objects.order_by("seen_at")[0]
    assert (report.source, report.received_at) == ("FIND_MY", clock())
    assert report.battery == "FULL"
    assert set(Tracker.objects.values_list("status", flat=True)) == {"IN_TRANSIT"}
    for state in FetchState.objects.all():
        assert state.next_due_at == queue.scheduled(state.tracker_id)
        assert timedelta(minutes=17) <= state.next_due_at - clock() <= timedelta(minutes=21)
        assert (state.backoff_factor, state.consecutive_failures, state.consecutive_empty_fetches) == (
            1,
            0,
            0,
        )
        assert state.last_attempt_at == state.last_success_at == state.last_report_at == clock()
    assert sum(FetchTally.objects.values_list("reports", flat=True)) == run.recorded.stored


def test_what_is_known_already_is_not_stored_twice(make_fleet, serve, fetch, clock):
    serve(make_fleet(2))
    first = fetch().recorded
    clock.advance(minutes=21)

    second = fetch().recorded

    assert second.duplicates > 20
    assert LocationReport.objects.count() == first.stored + second.stored


def test_no_new_report_is_a_success_counted_apart(make_fleet, serve, fetch, clock, answering):
    [tracker] = make_fleet(1)
    serve([tracker])
    hashed_key, payload = sealed(tracker, clock)
    answering(lambda _: FetchAnswer({hashed_key: [payload, payload]}, ()))
    fetch()
    first_at = clock()
    for _ in range(3):
        clock.advance(minutes=21)
        fetch()

    state = FetchState.objects.get()
    assert (state.consecutive_empty_fetches, state.consecutive_failures, state.backoff_factor) == (3, 0, 1)
    assert (state.last_report_at, state.last_success_at) == (first_at, clock())
    tally = FetchTally.objects.get()
    assert (tally.attempts, tally.failures, tally.empty_fetches, tally.reports) == (4, 0, 3, 1)


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("unauthorized", "unauthorized"),
        ("throttled", "throttled"),
        ("unavailable", "gateway_unavailable"),
        ("truncated", "malformed_answer"),
        ("empty", "empty_answer"),
    ],
)
def test_a_failure_doubles_the_factor_and_the_next_success_resets_it(
    make_fleet, serve, fetch, clock, fault, error
):
    gateway = serve(make_fleet(3))
    gateway.faults.set({fault: 6})

    run = fetch()

    assert (run.trackers, run.failed, run.recorded.stored) == (3, 3, 0)
    for state in FetchState.objects.all():
        assert (state.backoff_factor, state.consecutive_failures) == (2, 1)
        assert state.last_error.startswith(f"{error}: ")
        assert (state.last_success_at, state.consecutive_empty_fetches) == (None, 0)
        assert timedelta(minutes=36) <= state.next_due_at - clock() <= timedelta(minutes=41)
    assert set(FetchTally.objects.values_list("attempts", "failures", "empty_fetches")) == {(1, 1, 0)}

    gateway.faults.set({fault: 0})
    clock.advance(minutes=42)
    assert fetch().failed == 0
    assert set(FetchState.objects.values_list("backoff_factor", "consecutive_failures", "last_error")) == {
        (1, 0, "")
    }


def test_a_tracker_that_keeps_failing_backs_off_to_the_cap_and_is_marked(make_fleet, serve, fetch, clock):
    gateway = serve(make_fleet(1))
    gateway.faults.set({"truncated": 100})
    factors, delays, marked = [], [], []
    for _ in range(6):
        fetch()
        state = FetchState.objects.get()
        factors.append(state.backoff_factor)
        delays.append((state.next_due_at - clock()) / timedelta(minutes=1))
        marked.append(state.is_failing)
        clock.now = state.next_due_at

    assert factors == [2, 4, 8, 16, 16, 16]
    assert marked == [False, False, False, False, True, True]
    assert all(
        nominal * 0.95 - 2 <= d <= 360
        for d, nominal in zip(delays, (40, 80, 160, 320, 320, 320), strict=True)
    )
    assert list(FetchState.objects.failing()) == [state]


def test_an_answer_without_locations_is_a_silence(make_fleet, serve, fetch):
    serve(make_fleet(2)).faults.set({"missing_locations": 1})

    assert fetch().failed == 0

    assert set(FetchState.objects.values_list("consecutive_empty_fetches", "last_report_at")) == {(1, None)}


def test_an_empty_answer_is_asked_again_within_the_budget(make_fleet, serve, fetch):
    gateway = serve(make_fleet(2))
    gateway.faults.set({"empty": 3})

    run = fetch()

    assert run.failed == 0
    assert run.recorded.stored > 0
    assert served(gateway) == AccountTally.objects.get().requests == 4


def test_retries_of_an_empty_answer_stop_when_the_budget_does(make_fleet, serve, fetch, settings):
    gateway = serve(make_fleet(2))
    settings.FINDMY_REQUESTS_PER_ACCOUNT_PER_HOUR = 3
    gateway.faults.set({"empty": 100})

    assert fetch().failed == 2

    assert served(gateway) == 3
    assert "budget" in FetchState.objects.first().last_error


def test_a_spurious_refusal_is_tried_again_at_once(make_fleet, serve, fetch):
    gateway = serve(make_fleet(2))
    gateway.faults.set({"unauthorized": 1})

    assert fetch().failed == 0

    assert served(gateway) == 2
    assert AccountState.objects.get().consecutive_refusals == 0


def test_another_account_takes_over_from_a_throttled_one(make_fleet, serve, fetch, settings):
    gateway = serve(make_fleet(2))
    settings.FINDMY_ACCOUNTS = ["one:1001:token-one", "two:1002:token-two"]
    gateway.faults.set({"throttled": 1})

    assert fetch().failed == 0

    assert AccountState.objects.get(pk="one").cooldown_until is not None
    assert AccountState.objects.get(pk="two").last_success_at is not None


def test_a_dead_login_opens_the_breaker_and_then_costs_nobody_anything(
    make_fleet, serve, fetch, clock, queue
):
    trackers = make_fleet(1)
    gateway = serve(trackers)
    gateway.faults.set({"unauthorized": 1000})
    fetch()
    [later_tracker] = make_fleet(1)
    fetch()
    assert AccountState.objects.get().cooldown_until is not None
    asked = served(gateway)
    assert asked == 3
    [third] = make_fleet(1)

    run = fetch()

    assert run.waiting == fetching.NO_ACCOUNT
    assert served(gateway) == asked
    state = FetchState.objects.get(tracker=third)
    assert (state.next_due_at, state.last_attempt_at, state.backoff_factor) == (clock(), None, 1)
    assert queue.scheduled(third.pk) == clock()
    assert Heartbeat.objects.get(name="fetch").detail["waiting"] == fetching.NO_ACCOUNT
    assert later_tracker.pk != third.pk


def test_a_used_up_budget_gives_claims_back_and_the_next_hour_takes_them(
    make_fleet, serve, fetch, clock, settings
):
    gateway = serve(make_fleet(5))
    settings.FINDMY_KEYS_PER_REQUEST = 2
    settings.FINDMY_REQUESTS_PER_ACCOUNT_PER_HOUR = 2

    assert (fetch().trackers, served(gateway)) == (4, 2)
    waiting = FetchState.objects.get(last_attempt_at=None)
    assert waiting.next_due_at == clock()

    clock.advance(minutes=60)
    fetch()
    waiting.refresh_from_db()
    assert waiting.last_success_at == clock()


def test_requests_carry_as_many_keys_as_they_may_and_never_split_a_tracker(
    make_fleet, serve, fetch, settings, monkeypatch
):
    trackers = make_fleet(4, keys_per_device=3)
    serve(trackers)
    settings.FINDMY_KEYS_PER_REQUEST = 7
    asked = []
    original = GatewayClient.fetch

    def watch(self, hashed_keys, *rest):
        asked.append(list(hashed_keys))
        return original(self, hashed_keys, *rest)

    monkeypatch.setattr(GatewayClient, "fetch", watch)

    assert fetch().trackers == 4

    assert [len(hashed_keys) for hashed_keys in asked] == [6, 6]
    owner = dict(KeyPair.objects.values_list("hashed_key", "tracker_id"))
    owners = [{owner[hashed_key] for hashed_key in hashed_keys} for hashed_keys in asked]
    assert owners[0].isdisjoint(owners[1])


def test_a_tracker_with_more_keys_than_a_request_takes_several(make_fleet, serve, fetch, settings):
    gateway = serve(make_fleet(2, keys_per_device=5))
    settings.FINDMY_KEYS_PER_REQUEST = 2

    assert fetch().trackers == 2

    assert served(gateway) == 6
    assert gateway.stats()["counts"]["keys_asked"] == 10


def test_what_came_before_a_failure_is_kept(make_fleet, serve, fetch, settings, clock, monkeypatch):
    [tracker] = make_fleet(1, keys_per_device=2)
    serve([tracker])
    settings.FINDMY_KEYS_PER_REQUEST = 1
    hashed_key, payload = sealed(tracker, clock)
    answers = iter([FetchAnswer({hashed_key: [payload]}, ())])

    def answer_once(self, *_):
        for answer in answers:
            return answer
        raise fetching.FetchError("gone")

    monkeypatch.setattr(GatewayClient, "fetch", answer_once)

    run = fetch()

    assert (run.failed, run.recorded.stored, LocationReport.objects.count()) == (1, 1, 1)
    assert FetchTally.objects.get().reports == 1
    assert FetchState.objects.get().backoff_factor == 2


def test_no_transaction_is_open_while_the_network_is_used(make_fleet, serve, fetch, monkeypatch):
    serve(make_fleet(2))
    seen = []
    original = GatewayClient.fetch

    def watch(self, *arguments):
        idle = connection.connection.info.transaction_status.name
        seen.append((connection.in_atomic_block, connection.get_autocommit(), idle))
        return original(self, *arguments)

    monkeypatch.setattr(GatewayClient, "fetch", watch)
    fetch()

    assert seen == [(False, True, "IDLE")]


def test_fetching_within_a_transaction_is_refused(make_fleet, serve, clock, queue):
    gateway = serve(make_fleet(1))
    queueing.sync_queue(now=clock())

    with pytest.raises(OpenTransactionError), transaction.atomic():
        fetching.fetch_due(clock=clock, time_budget_s=10)

    assert served(gateway) == 0


def test_a_tracker_at_its_end_is_not_fetched_even_if_still_queued(make_fleet, serve, clock, queue):
    gateway = serve(make_fleet(1))
    queueing.sync_queue(now=clock())
    Tracker.objects.update(state=Tracker.State.RETURNED)

    run = fetching.fetch_due(clock=clock, time_budget_s=10)

    assert (run.trackers, served(gateway), len(queue)) == (0, 0, 0)


def test_a_crash_before_the_states_are_written_loses_and_doubles_nothing(
    make_fleet, serve, fetch, clock, queue, monkeypatch
):
    serve(make_fleet(3))

    class Killed(BaseException):
        """Nothing that code could catch."""

    def die(*args, **kwargs):
        raise Killed

    with monkeypatch.context() as crash:
        crash.setattr(completing, "complete_fetches", die)
        with pytest.raises(Killed):
            fetch()
    stored = LocationReport.objects.count()
    assert stored > 0
    assert queue.claim(limit=10, now=clock()) == []

    clock.advance(seconds=301)
    run = fetch()

    assert run.trackers == 3
    assert run.recorded.duplicates >= stored
    assert LocationReport.objects.count() == stored + run.recorded.stored


def test_a_database_that_fails_while_recording_is_a_failure_with_backoff(
    make_fleet, serve, fetch, clock, monkeypatch
):
    serve(make_fleet(2))

    def unreachable(*args, **kwargs):
        raise OperationalError("no lock to be had")

    with monkeypatch.context() as outage:
        outage.setattr(reports, "record_reports", unreachable)
        with pytest.raises(OperationalError):
            fetch()

    assert set(FetchState.objects.values_list("backoff_factor", "last_error")) == {
        (2, "OperationalError: no lock to be had")
    }
    clock.advance(minutes=42)
    assert fetch().recorded.stored > 0


def test_the_time_budget_ends_a_run(make_fleet, serve, clock, queue, settings):
    gateway = serve(make_fleet(6))
    settings.FINDMY_KEYS_PER_REQUEST = 2
    queueing.sync_queue(now=clock())

    def hurrying():
        return clock.advance(seconds=2)

    run = fetching.fetch_due(clock=hurrying, time_budget_s=5)

    assert served(gateway) == 1
    assert run.trackers == 2


def test_queries_do_not_grow_with_the_number_of_trackers(
    make_fleet, serve, fetch, clock, answering, settings
):
    serve(make_fleet(1))
    answering(lambda _: FetchAnswer({}, ()))
    queueing.sync_queue(now=clock())
    with CaptureQueriesContext(connection) as few:
        fetching.fetch_due(clock=clock, time_budget_s=10)
    make_fleet(40)
    queueing.sync_queue(now=clock())

    with CaptureQueriesContext(connection) as many:
        assert fetching.fetch_due(clock=clock, time_budget_s=10).trackers == 40

    assert len(many) == len(few)


def test_the_legacy_protocol_works_as_well(make_fleet, serve, fetch, settings):
    gateway = serve(make_fleet(1))
    settings.FINDMY_URL = gateway.fetch_url(Shape.LEGACY)
    settings.FINDMY_PROTOCOL = "legacy"

    assert fetch().recorded.stored > 0
