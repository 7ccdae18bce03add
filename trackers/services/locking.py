"""The one place where tracker rows are locked.

The rule: whoever writes a tracker's reports, history, events, assignments or its row takes the lock here first, for
all trackers of its transaction at once, in the order of their ids. So no two writers can wait for each other. A lock
that can't be had within LOCK_TIMEOUT raises `OperationalError`; the caller's work is left undone and comes again.
"""

from collections.abc import Collection

from foundation import bulk

LOCK_TIMEOUT = "10s"
PREPARE = f"""
SET LOCAL lock_timeout = '{LOCK_TIMEOUT}';
LOCK TABLE ONLY trackers_locationreport IN ACCESS SHARE MODE
"""
LOCK_TRACKERS = """
SELECT id FROM trackers_tracker WHERE id = ANY(%(ids)b::bigint[]) ORDER BY id FOR NO KEY UPDATE
"""


class UnknownTrackerError(LookupError):
    """A tracker that is not in the database (any more)."""


def lock_trackers(tracker_ids: Collection[int]) -> None:
    """Lock the trackers' rows until the transaction ends. Raises UnknownTrackerError if one doesn't exist.

    The weakest lock on the table of reports comes with it: no partition is dropped, and the retention cutoff does not
    move, while somebody recomputes from what is in it.
    """
    with bulk.bulk_cursor() as cursor:
        cursor.execute(PREPARE, binary=False)
        rows = cursor.execute(LOCK_TRACKERS, {"ids": list(tracker_ids)}).fetchall()
    missing = set(tracker_ids) - {tracker_id for (tracker_id,) in rows}
    if missing:
        raise UnknownTrackerError(f"There is no tracker with id {min(missing)}.")
