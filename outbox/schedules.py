"""How often the partitions of facts are kept."""

from datetime import timedelta

from foundation.schedules import Schedule
from outbox import tasks

SCHEDULES = (
    Schedule(
        "Keep partitions of facts",
        task=tasks.keep_partitions_of_facts.name,
        every=timedelta(hours=6),
        expires=timedelta(hours=1),
    ),
)
