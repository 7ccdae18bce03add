"""A periodic look for replays that nobody works at: of a worker that died, or queued while the broker was away."""

from django.db import migrations
from django.utils import timezone

NAME = "Work off replays"


def create_schedule(apps, schema_editor):
    IntervalSchedule = apps.get_model("django_celery_beat", "IntervalSchedule")
    PeriodicTask = apps.get_model("django_celery_beat", "PeriodicTask")
    interval = IntervalSchedule.objects.filter(every=30, period="seconds").first()
    if interval is None:
        interval = IntervalSchedule.objects.create(every=30, period="seconds")
    PeriodicTask.objects.get_or_create(
        name=NAME,
        defaults={
            "task": "trackers.tasks.work_off_recomputations",
            "queue": "default",
            "interval": interval,
            "expire_seconds": 30,
        },
    )
    _tell_beat(apps)


def remove_schedule(apps, schema_editor):
    apps.get_model("django_celery_beat", "PeriodicTask").objects.filter(name=NAME).delete()
    _tell_beat(apps)


def _tell_beat(apps):
    """A running beat reads its schedule again; historical models send no signals."""
    PeriodicTasks = apps.get_model("django_celery_beat", "PeriodicTasks")
    PeriodicTasks.objects.update_or_create(ident=1, defaults={"last_update": timezone.now()})


class Migration(migrations.Migration):
    dependencies = [
        ("ingestion", "0004_device_import_schedules"),
        ("trackers", "0012_corrections"),
    ]

    operations = [migrations.RunPython(create_schedule, remove_schedule)]
