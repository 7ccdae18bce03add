"""How often fetching and what keeps it going run. Fetching has a queue of its own, so that slow gateways keep nothing
else waiting."""

from datetime import timedelta

from foundation.schedules import Schedule
from ingestion import tasks

SCHEDULES = (
    Schedule(
        "Fetch due trackers",
        task=tasks.fetch_due_trackers.name,
        every=timedelta(seconds=5),
        expires=timedelta(seconds=10),
        queue="fetch",
    ),
    Schedule(
        "Sync the fetch queue",
        task=tasks.sync_fetch_queue.name,
        every=timedelta(seconds=30),
        expires=timedelta(seconds=30),
    ),
    Schedule(
        "Rebuild the fetch queue's index",
        task=tasks.rebuild_fetch_queue.name,
        every=timedelta(hours=1),
        expires=timedelta(hours=1),
    ),
    Schedule(
        "Heartbeat",
        task=tasks.beat_heart.name,
        every=timedelta(seconds=10),
        expires=timedelta(seconds=20),
    ),
    Schedule(
        "Tidy up",
        task=tasks.tidy_up.name,
        every=timedelta(hours=6),
        expires=timedelta(hours=1),
    ),
)
