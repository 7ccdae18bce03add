"""Reads about fetching, across models."""

from collections import defaultdict
from collections.abc import Collection, Iterator
from datetime import UTC, datetime
from typing import NamedTuple

from django.db.models import Count, Exists, Min, OuterRef, Q, QuerySet

from clients.models import ProductionRun
from ingestion.models import AccountState, FetchState, Heartbeat
from keys.models import KeyPair
from trackers.models import Assignment, Tracker


class FetchJob(NamedTuple):
    """What there is to ask for about one tracker, and its backoff factor so far."""

    tracker_id: int
    backoff_factor: int
    hashed_keys: list[str]


def fetchable_trackers(*, now: datetime) -> QuerySet[Tracker]:
    """Active trackers with key pairs whose assignment in force is to a run whose dates include today (UTC)."""
    live_runs = ProductionRun.objects.live_on(now.astimezone(UTC).date())
    in_force = Assignment.objects.in_force_at(now).filter(tracker=OuterRef("pk"), run__in=live_runs)
    has_keys = KeyPair.objects.filter(tracker=OuterRef("pk"))
    return Tracker.objects.filter(Exists(in_force), Exists(has_keys), state=Tracker.State.ACTIVE)


def fetch_jobs(tracker_ids: Collection[int], *, now: datetime) -> dict[int, FetchJob]:
    """Return jobs by tracker id; trackers that are not to be fetched (any more) are left out."""
    factors = (
        FetchState.objects.queued()
        .filter(tracker__in=fetchable_trackers(now=now).filter(pk__in=tracker_ids))
        .values_list("tracker_id", "backoff_factor")
    )
    hashed_keys: dict[int, list[str]] = defaultdict(list)
    pairs = KeyPair.objects.filter(tracker__in=tracker_ids).order_by("tracker_id", "key_index", "id")
    for tracker_id, hashed_key in pairs.values_list("tracker_id", "hashed_key"):
        hashed_keys[tracker_id or 0].append(hashed_key)
    return {
        tracker_id: FetchJob(tracker_id, factor, hashed_keys[tracker_id]) for tracker_id, factor in factors
    }


def queued_by_id(*, batch_size: int = 1000) -> Iterator[dict[int, datetime]]:
    """Yield due times by tracker id of all that are queued, in batches."""
    last_id = 0
    while True:
        rows = FetchState.objects.queued().filter(tracker_id__gt=last_id).order_by("tracker_id")
        dues = {
            tracker_id: due_at
            for tracker_id, due_at in rows.values_list("tracker_id", "next_due_at")[:batch_size]
            if due_at
        }
        if not dues:
            return
        yield dues
        last_id = max(dues)


def queued_among(tracker_ids: Collection[int]) -> set[int]:
    return set(
        FetchState.objects.queued().filter(tracker__in=tracker_ids).values_list("tracker_id", flat=True)
    )


def oldest_due_at() -> datetime | None:
    """Return the earliest due time of all; in the past, it is for how long the oldest fetch is overdue."""
    oldest: datetime | None = FetchState.objects.queued().aggregate(oldest=Min("next_due_at"))["oldest"]
    return oldest


def cooling_accounts(*, now: datetime) -> set[str]:
    """Return the names of the accounts whose circuit breaker is open."""
    return set(AccountState.objects.filter(cooldown_until__gt=now).values_list("name", flat=True))


def all_accounts_cool_down(*, now: datetime) -> bool:
    """Whether nothing can be fetched until one of them may be used again."""
    cooling = Q(cooldown_until__gt=now)
    number = AccountState.objects.aggregate(
        cooling=Count("pk", filter=cooling), usable=Count("pk", filter=~cooling)
    )
    return bool(number["cooling"]) and not number["usable"]


def heartbeats() -> dict[str, Heartbeat]:
    return {heartbeat.name: heartbeat for heartbeat in Heartbeat.objects.all()}
