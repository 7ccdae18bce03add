"""Makes trackers due for the evaluation of their alerts, in the transaction that changes what decides about alerts."""

from collections.abc import Collection, Iterable
from datetime import UTC, datetime

from foundation import bulk

# Before anything that could have been seen.
ALWAYS = datetime(1, 1, 2, tzinfo=UTC)

MARK = """
INSERT INTO trackers_alertwatch AS watch (tracker_id, changed_since, due_at)
SELECT tracker_id, changed_since, %(now)s::timestamptz
FROM unnest(%(tracker_ids)b::bigint[], %(changed_sinces)b::timestamptz[]) AS change (tracker_id, changed_since)
ORDER BY tracker_id
ON CONFLICT (tracker_id) DO UPDATE
SET changed_since = least(watch.changed_since, excluded.changed_since),
    due_at = least(watch.due_at, excluded.due_at)
"""
MARK_RUNS = """
INSERT INTO trackers_alertwatch AS watch (tracker_id, changed_since, due_at)
SELECT tracker_id, min(lower(period)), %(now)s::timestamptz
FROM trackers_assignment
WHERE run_id = ANY(%(run_ids)b::bigint[])
GROUP BY tracker_id
ORDER BY tracker_id
ON CONFLICT (tracker_id) DO UPDATE
SET changed_since = least(watch.changed_since, excluded.changed_since),
    due_at = least(watch.due_at, excluded.due_at)
"""


def mark_seen(reports: Iterable[tuple[int, datetime]], *, now: datetime) -> None:
    """New reports, given as (tracker id, seen at), are to be evaluated."""
    first: dict[int, datetime] = {}
    for tracker_id, seen_at in reports:
        first[tracker_id] = min(first.get(tracker_id, seen_at), seen_at)
    _mark(first, now)


def mark_changed(tracker_ids: Collection[int], *, now: datetime) -> None:
    """Something other than a report changed the trackers' history: all of it is to be evaluated."""
    _mark(dict.fromkeys(tracker_ids, ALWAYS), now)


def mark_runs(run_ids: Collection[int], *, now: datetime) -> None:
    """Something changed that decides about alerts of all trackers of these runs: all of their time there is to be
    evaluated."""
    if run_ids:
        bulk.execute(MARK_RUNS, {"run_ids": list(run_ids), "now": now})


def _mark(changed_since: dict[int, datetime], now: datetime) -> None:
    if changed_since:
        names = ("tracker_ids", "changed_sinces")
        bulk.execute(MARK, bulk.transposed(sorted(changed_since.items()), names) | {"now": now})
