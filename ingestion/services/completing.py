"""Completes fetches: writes how they ended, in bulk, and when their trackers are due again."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from random import SystemRandom

from django.conf import settings

from foundation import bulk, sql
from ingestion import backoff
from ingestion.selectors import FetchJob
from ingestion.services import accounts

COMPLETE_FETCHES = sql.load("ingestion/complete_fetches")
_draw = SystemRandom().random


def complete_fetches(
    jobs: Sequence[FetchJob],
    *,
    now: datetime,
    new_reports: Mapping[int, int],
    error: Exception | None = None,
) -> dict[int, datetime]:
    """Write the states and tallies of trackers whose fetch ended at `now`; return their due times by id.

    new_reports: how many each tracker got; none is an empty fetch. error: why the fetch failed, which doubles the
    backoff factor; without one it goes back to 1.
    """
    if not jobs:
        return {}
    pace = backoff.Pace(
        interval=timedelta(minutes=settings.FETCH_INTERVAL_MINUTES),
        longest=timedelta(hours=settings.MAX_BACKOFF_HOURS),
    )
    dues: dict[int, datetime] = {}
    factors: list[int] = []
    for job in jobs:
        factor = 1 if error is None else backoff.factor_after_failure(job.backoff_factor)
        dues[job.tracker_id] = backoff.next_due(now=now, factor=factor, pace=pace, draw=_draw())
        factors.append(factor)
    bulk.execute(
        COMPLETE_FETCHES,
        {
            "tracker_ids": list(dues),
            "due_ats": list(dues.values()),
            "factors": factors,
            "reports": [new_reports.get(tracker_id, 0) for tracker_id in dues],
            "now": now,
            "day": now.astimezone(UTC).date(),
            "failed": error is not None,
            "error": "" if error is None else accounts.describe(error),
        },
    )
    return dues
