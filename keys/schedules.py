"""How often batches and imports that nobody works on are taken up."""

from datetime import timedelta

from foundation.schedules import Schedule
from keys import tasks

SCHEDULES = (
    Schedule(
        "Generate waiting keys",
        task=tasks.generate_keys.name,
        every=timedelta(minutes=1),
        expires=timedelta(minutes=1),
    ),
    Schedule(
        "Continue device imports",
        task=tasks.continue_device_imports.name,
        every=timedelta(seconds=10),
        expires=timedelta(seconds=10),
    ),
    Schedule(
        "Clean up device imports",
        task=tasks.clean_up_device_imports.name,
        every=timedelta(days=1),
        expires=timedelta(days=1),
    ),
)
