"""Writes how fetches ended, in bulk, and when their trackers are due again."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from random import SystemRandom

from django.conf import settings

from foundation import bulk, sql
from ingestion import backoff
from ingestion.selectors import FetchJob
from ingestion.services import accounts

FINISH_FETCHES = sql.load("ingestion/finish_fetches")
_draw = SystemRandom().random


def finish_fetches(
    jobs: Sequence[FetchJob],
    *,
    now: datetime,
    new_reports: Mapping[int, int],
    error: Exception | None = None,
) -> dict[int, datetime]:
    """Write the states and tallies of trackers whose fetch ended at `now`; return their due times by id.

    new_reports: how many each tracker got; none is a silence. error: why the fetch failed, which doubles the
    backoff factor; without one it goes back to 1.
    """
    if not jobs:
        return {}
    pace = backoff.Pace(
        interval=timedelta(minutes=settings.FETCH_INTERVAL_MINUTES),
        longest=timedelta(hours=settings.MAX_BACKOFF_HOURS),
    )
    rows = []
    for job in jobs:
        factor = 1 if error is None else backoff.factor_after_failure(job.backoff_factor)
        due_at = backoff.next_due(now=now, factor=factor, pace=pace, draw=_draw())
        rows.append((job.tracker_id, due_at, factor, new_reports.get(job.tracker_id, 0)))
    bulk.execute(
        FINISH_FETCHES,
        bulk.transposed(rows, ("tracker_ids", "due_ats", "factors", "reports"))
        | {
            "now": now,
            "day": now.astimezone(UTC).date(),
            "failed": error is not None,
            "error": "" if error is None else accounts.describe(error),
        },
    )
    return {tracker_id: due_at for tracker_id, due_at, *_ in rows}
