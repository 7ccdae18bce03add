"""How often histories and alerts are brought up to date and verified, and months of reports made and dropped."""

from datetime import timedelta

from foundation.schedules import Schedule
from trackers import tasks

SCHEDULES = (
    Schedule(
        "Evaluate alerts",
        task=tasks.evaluate_alerts.name,
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
    Schedule(
        "Verify timelines",
        task=tasks.verify_timelines.name,
        every=timedelta(minutes=10),
        expires=timedelta(minutes=10),
    ),
    Schedule(
        "Make report partitions",
        task=tasks.make_report_partitions.name,
        every=timedelta(hours=6),
        expires=timedelta(hours=1),
    ),
    Schedule(
        "Drop old reports",
        task=tasks.drop_old_reports.name,
        every=timedelta(hours=1),
        expires=timedelta(hours=1),
    ),
)
