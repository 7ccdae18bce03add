"""How often histories and alerts are brought up to date."""

from datetime import timedelta

from foundation.schedules import Schedule
from trackers import tasks

SCHEDULES = (
    Schedule(
        "Evaluate alerts",
        task=tasks.look_for_alerts.name,
        every=timedelta(minutes=1),
        expires=timedelta(minutes=1),
    ),
    # Also those of a worker that died, and those queued while the broker was away.
    Schedule(
        "Work off recomputations",
        task=tasks.work_off_recomputations.name,
        every=timedelta(seconds=30),
        expires=timedelta(seconds=30),
    ),
    Schedule(
        "Find places",
        task=tasks.find_places.name,
        every=timedelta(seconds=15),
        expires=timedelta(seconds=15),
    ),
)
