import json
from datetime import timedelta

import pytest
from django.db import OperationalError, connection
from django.utils import timezone

from config import health
from ingestion.models import AccountState, FetchState, Heartbeat
from ingestion.services import heartbeats
from keys.services import generating
from keys.vault import new_master_key
from ops.pages import health as pages
from tests.factories import AssignmentFactory, TrackerFactory
from trackers.models import AlertWatch, TimelineCheck, Tracker
from trackers.services import recomputation

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _settings(settings):
    settings.FETCH_LEASE_S = 300
    settings.FETCH_INTERVAL_MINUTES = 20


def beat(**ages_s: float) -> None:
    for name in Heartbeat.Name:
        age = timedelta(seconds=ages_s.get(name.value, 0))
        heartbeats.beat(name=name, now=timezone.now() - age, detail={"waiting": ""})


@pytest.fixture
def ask(rf):
    def get() -> tuple[int, dict]:
        response = health.health(rf.get("/health/"))
        return response.status_code, json.loads(response.content)

    return get


def test_all_is_well(ask):
    beat()
    FetchState.objects.create(tracker=TrackerFactory(), next_due_at=timezone.now() - timedelta(minutes=30))

    status, body = ask()

    assert (status, body["status"]) == (200, "ok")
    assert set(body["checks"]) == {
        "database",
        "redis",
        "migrations",
        "beat",
        "fetch",
        "queue",
        "timelines",
        "vault",
    }
    assert body["checks"]["queue"]["oldest_overdue_s"] == pytest.approx(1800, abs=5)
    assert body["checks"]["fetch"]["detail"] == {"waiting": ""}


@pytest.mark.parametrize(
    ("ages_s", "failing"),
    [({"beat": 61}, "beat"), ({"fetch": 301}, "fetch"), ({"beat": 59, "fetch": 299}, None)],
)
def test_a_service_that_does_not_run_is_noticed(ask, ages_s, failing):
    beat(**ages_s)

    status, body = ask()

    assert [name for name, check in body["checks"].items() if not check["ok"]] == [failing] * bool(failing)
    assert status == (503 if failing else 200)


def test_a_service_that_never_started_is_noticed(ask):
    status, body = ask()

    assert status == 503
    assert body["checks"]["beat"] == {"ok": False, "age_s": None, "detail": {}}


def test_fetches_that_wait_too_long_are_noticed(ask):
    beat()
    FetchState.objects.create(tracker=TrackerFactory(), next_due_at=timezone.now() - timedelta(minutes=41))

    assert ask()[0] == 503


def start_page_alarms() -> list[str]:
    now = timezone.now()
    drift = recomputation.check_summary(now=now)
    return [*pages.alarms(pages.services(now), now), *pages.timeline_alarms(drift, now)]


def every_account_cools_down(settings) -> None:
    until = timezone.now() + timedelta(minutes=5)
    AccountState.objects.create(name="one", cooldown_until=until)
    AccountState.objects.create(name="two", cooldown_until=until)


def a_master_key_is_missing(settings) -> None:
    generating.create_batch(label="Spring", devices=1, keys_per_device=1, actor=None, now=timezone.now())
    settings.VAULT_MASTER_KEYS = [new_master_key()]


def a_history_drifted(settings) -> None:
    TimelineCheck.objects.create(checked_at=timezone.now(), trackers=1, drifted=1)


def alerts_of_a_tracker_cannot_be_evaluated(settings) -> None:
    AlertWatch.objects.create(tracker=TrackerFactory(), due_at=timezone.now(), problem="ValueError: no")


@pytest.mark.parametrize(
    "cause",
    [
        every_account_cools_down,
        a_master_key_is_missing,
        a_history_drifted,
        alerts_of_a_tracker_cannot_be_evaluated,
    ],
)
def test_what_is_wrong_is_told_to_monitors_and_on_the_start_page_alike(ask, settings, cause):
    beat()
    assert (ask()[0], start_page_alarms()) == (200, [])
    cause(settings)
    assert ask()[0] == 503
    assert len(start_page_alarms()) == 1


@pytest.mark.parametrize("found", [{"drifted": 1}, {"failed": 1}])
def test_drift_is_noticed_for_a_day(ask, found):
    beat()
    check = TimelineCheck.objects.create(
        checked_at=timezone.now() - timedelta(hours=23), **{"trackers": 5, "drifted": 0} | found
    )
    assert ask()[1]["checks"]["timelines"]["ok"] is False
    assert ask()[0] == 503
    TimelineCheck.objects.filter(pk=check.pk).update(checked_at=timezone.now() - timedelta(hours=25))
    assert ask()[0] == 200


def test_timelines_that_nobody_checks_are_noticed(ask):
    beat()
    tracker = AssignmentFactory().tracker
    assert ask()[0] == 200
    Tracker.objects.filter(pk=tracker.pk).update(verified_at=timezone.now() - timedelta(hours=27))
    assert ask()[1]["checks"]["timelines"]["on_time"] is False


@pytest.mark.parametrize("listed", [[], [new_master_key()]])
def test_a_missing_master_key_is_noticed(ask, settings, listed):
    beat()
    generating.create_batch(label="Spring", devices=1, keys_per_device=1, actor=None, now=timezone.now())
    assert ask()[1]["checks"]["vault"] == {"ok": True}
    settings.VAULT_MASTER_KEYS = listed
    status, body = ask()
    assert (status, body["checks"]["vault"]) == (503, {"ok": False})


def test_without_redis(ask, settings):
    beat()
    settings.REDIS_URL = "unix:///nowhere/redis.sock"

    status, body = ask()

    assert (status, body["checks"]["redis"]) == (503, {"ok": False})
    assert body["checks"]["database"] == {"ok": True}


def test_without_database(ask, monkeypatch):
    def unreachable(*args, **kwargs):
        raise OperationalError("password of a user")

    monkeypatch.setattr(connection, "cursor", unreachable)

    status, body = ask()

    assert (status, body["checks"]["database"]) == (503, {"ok": False})
    assert "password" not in json.dumps(body)


def test_pending_migrations_are_noticed_until_they_are_applied(ask, monkeypatch):
    beat()
    health._require_migrations.cache_clear()
    with monkeypatch.context() as pending:
        pending.setattr(health.MigrationExecutor, "migration_plan", lambda *_: ["one"])
        status, body = ask()
        assert (status, body["checks"]["migrations"]) == (503, {"ok": False})

    assert ask()[0] == 200


def test_it_tells_nothing_of_any_tenant(ask):
    beat()
    tracker = TrackerFactory(serial="SECRET-SERIAL")
    FetchState.objects.create(
        tracker=tracker, next_due_at=timezone.now(), consecutive_failures=9, last_error="private"
    )

    text = json.dumps(ask()[1])

    assert tracker.mac not in text
    assert "SECRET" not in text
    assert "private" not in text


def test_it_is_cheap(ask, django_assert_max_num_queries):
    beat()
    ask()

    with django_assert_max_num_queries(9):
        ask()


def test_only_reading_is_allowed(rf):
    assert health.health(rf.post("/health/")).status_code == 405
