"""`/health/`: whether Glimpse can do its work, for monitors. States and numbers, nothing of any tenant."""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import redis
from django.conf import settings
from django.db import Error as DatabaseError
from django.db import connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from foundation.addresses import only_parameters
from ingestion import selectors, thresholds
from ingestion.models import Heartbeat
from ingestion.services import decrypting
from trackers.services import alerts, recomputation

STATEMENT_TIMEOUT = "2s"
REDIS_TIMEOUT_S = 2

Check = dict[str, Any]


class MigrationsPendingError(Exception):
    """The database is older than the code."""


@never_cache
@require_safe
@only_parameters()
def health(request: HttpRequest) -> JsonResponse:
    """200 if everything is well, 503 if anything is not; the body says what."""
    now = timezone.now()
    checks = {"redis": _guarded(_redis), **_database_checks(now)}
    well = all(check["ok"] for check in checks.values())
    return JsonResponse(
        {"status": "ok" if well else "failing", "checks": checks}, status=200 if well else 503
    )


def _database_checks(now: datetime) -> dict[str, Check]:
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL statement_timeout = '{STATEMENT_TIMEOUT}'")
            _require_migrations(str(connection.settings_dict["NAME"]))
            return {
                "database": {"ok": True},
                "migrations": {"ok": True},
                **_heartbeats(now),
                "queue": _queue(now),
                "timelines": _timelines(now),
                "vault": _vault(),
            }
    except MigrationsPendingError:
        return {"database": {"ok": True}, "migrations": {"ok": False}}
    except DatabaseError:
        return {"database": {"ok": False}}


@cache
def _require_migrations(database: str) -> None:
    """Asked until it is so: the migrations that this process knows don't change while it lives."""
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        raise MigrationsPendingError(database)


def _heartbeats(now: datetime) -> dict[str, Check]:
    beats = selectors.heartbeats()
    checks = {}
    for name in Heartbeat.Name:
        longest = thresholds.longest_heartbeat_age(name)
        beat = beats.get(name)
        age_s = (now - beat.beat_at).total_seconds() if beat else None
        checks[name.value] = {
            "ok": age_s is not None and age_s <= longest.total_seconds(),
            "age_s": None if age_s is None else round(age_s, 1),
            "detail": beat.detail if beat else {},
        }
    # Its loop runs and achieves nothing.
    if selectors.all_accounts_cool_down(now=now):
        checks[Heartbeat.Name.FETCH.value] |= {"ok": False, "all_accounts_cool_down": True}
    return checks


def _queue(now: datetime) -> Check:
    """Whether a due fetch waits for too long."""
    oldest = selectors.oldest_due_at()
    overdue = max(now - oldest, timedelta(0)) if oldest else timedelta(0)
    return {
        "ok": overdue <= thresholds.longest_overdue(),
        "oldest_overdue_s": round(overdue.total_seconds(), 1),
    }


def _timelines(now: datetime) -> Check:
    """Stored histories differ from their reports, can't be recomputed or evaluated, or were long not checked."""
    checks = recomputation.check_summary(now=now)
    without_alerts = alerts.trackers_not_evaluated()
    return {
        "ok": checks.ok and not without_alerts,
        "checked_24h": checks.checked,
        "drifted_24h": checks.drifted,
        "failed_24h": checks.failed,
        "on_time": checks.on_time,
        "without_alerts": without_alerts,
    }


def _vault() -> Check:
    """Something is sealed by a master key that this process does not have."""
    return {"ok": not decrypting.lacks_master_keys()}


def _redis() -> None:
    client = redis.Redis.from_url(
        settings.REDIS_URL, socket_timeout=REDIS_TIMEOUT_S, socket_connect_timeout=REDIS_TIMEOUT_S
    )
    try:
        client.ping()
    finally:
        client.close()


def _guarded(check: Callable[[], None]) -> Check:
    try:
        check()
    except redis.RedisError:
        return {"ok": False}
    return {"ok": True}
