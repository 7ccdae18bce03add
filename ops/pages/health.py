"""What keeps Glimpse from doing its work: services that stopped, overdue and failing fetches, rejections, drift."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from foundation import durations
from ingestion import selectors as fetching
from ingestion import thresholds
from ingestion.models import FetchState, Heartbeat
from ingestion.services import decrypting
from trackers.models import RejectedReport
from trackers.services import alerts
from trackers.services.recomputation import CheckSummary

COUNT_LIMIT = 10_000
LISTED = 8
DAY = timedelta(hours=24)
HINTS = {
    Heartbeat.Name.BEAT: "Check that beat and the default worker run.",
    Heartbeat.Name.FETCH: "Check that the fetch worker runs.",
}


@dataclass(frozen=True)
class Service:
    """at: its last heartbeat, `ago` in words; hint: what to check if it is not ok."""

    title: str
    at: datetime | None
    ago: str
    ok: bool
    hint: str
    detail: dict[str, Any]


class ReasonCount(NamedTuple):
    label: str
    number: int


@dataclass(frozen=True)
class Overdue:
    """overdue: for how long the oldest due fetch has waited, in words; empty if none waits. The numbers are texts:
    nobody counts beyond COUNT_LIMIT. rejected: reports of the last 24 hours that are not resolved, by reason."""

    overdue: str
    overdue_is_bad: bool
    failing: list[FetchState]
    failing_number: str
    rejected: list[ReasonCount]
    rejected_number: str


def services(now: datetime) -> list[Service]:
    beats = fetching.heartbeats()
    return [_service(beats.get(name), name, now) for name in Heartbeat.Name]


def _service(beat: Heartbeat | None, name: Heartbeat.Name, now: datetime) -> Service:
    at = beat.beat_at if beat else None
    return Service(
        title=str(name.label),
        at=at,
        ago=durations.ago_text(at, now),
        ok=at is not None and now - at <= thresholds.longest_heartbeat_age(name),
        hint=HINTS[name],
        detail=beat.detail if beat else {},
    )


def alarms(known: Sequence[Service], now: datetime) -> list[str]:
    """Services without a heartbeat, fetching without a usable account, and master keys that are missing, in words: what
    `/health/` tells a monitor."""
    found = []
    for service in known:
        if not service.ok:
            seen = f"last heartbeat {service.ago}" if service.at else "no heartbeat yet"
            found.append(f"{service.title} does not run: {seen}. {service.hint}")
    if fetching.all_accounts_cool_down(now=now):
        found.append("All Apple accounts are cooling down: nothing is fetched until one may be used again.")
    if decrypting.lacks_master_keys():
        found.append(
            "A master key is missing that private keys are sealed by: list it in VAULT_MASTER_KEYS, or nothing of"
            " these devices is decrypted."
        )
    return found


def timeline_alarms(drift: CheckSummary, now: datetime) -> list[str]:
    """What the checks of stored histories against their reports found, in words."""
    found = []
    if drift.drifted:
        found.append(
            f"{drift.drifted:,} histories differed from their reports in the last 24 hours and were repaired:"
            " see the timeline checks, and find out what wrote them."
        )
    if drift.failed:
        found.append(f"{drift.failed:,} histories can't be recomputed: the timeline checks name the errors.")
    if not drift.on_time:
        waited = durations.ago_text(drift.oldest_verified_at, now)
        found.append(
            f"Timelines are checked too slowly: one was last checked {waited}. Check the default worker."
        )
    if not_evaluated := alerts.trackers_not_evaluated():
        found.append(
            f"Alerts of {not_evaluated:,} trackers can't be evaluated: the worker's log has the errors, as"
            " alerts_not_evaluated."
        )
    return found


def overdue(now: datetime) -> Overdue:
    oldest = fetching.oldest_due_at()
    failing = FetchState.objects.failing().select_related("tracker").order_by("tracker_id")
    rejected = RejectedReport.objects.filter(last_received_at__gte=now - DAY, resolved_at=None)
    latest = rejected.order_by("-last_received_at").values_list("reason", flat=True)
    reasons = Counter(latest[: COUNT_LIMIT + 1])
    return Overdue(
        overdue=durations.duration(now - oldest) if oldest and oldest < now else "",
        overdue_is_bad=bool(oldest and now - oldest > thresholds.longest_overdue()),
        failing=list(failing[:LISTED]),
        failing_number=_at_most(failing.values_list("pk", flat=True)[: COUNT_LIMIT + 1].count()),
        rejected=[
            ReasonCount(str(RejectedReport.Reason(reason).label), number)
            for reason, number in reasons.most_common()
        ],
        rejected_number=_at_most(reasons.total()),
    )


def _at_most(number: int) -> str:
    return f"over {COUNT_LIMIT:,}" if number > COUNT_LIMIT else f"{number:,}"
