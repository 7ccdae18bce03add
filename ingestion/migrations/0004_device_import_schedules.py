"""Workers go on with device imports, and forget their rejected rows after some time."""

from importlib import import_module

from django.db import migrations

first = import_module("ingestion.migrations.0002_schedules")

SCHEDULES = (
    # name, task, queue, every, period, expires after (s)
    ("Continue device imports", "keys.tasks.continue_device_imports", "default", 10, "seconds", 10),
    ("Clean up device imports", "keys.tasks.clean_up_device_imports", "default", 1, "days", 86_400),
)


def create_schedules(apps, schema_editor):
    IntervalSchedule = apps.get_model("django_celery_beat", "IntervalSchedule")
    PeriodicTask = apps.get_model("django_celery_beat", "PeriodicTask")
    for name, task, queue, every, period, expire_seconds in SCHEDULES:
        interval = IntervalSchedule.objects.filter(every=every, period=period).first()
        if interval is None:
            interval = IntervalSchedule.objects.create(every=every, period=period)
        PeriodicTask.objects.get_or_create(
            name=name,
            defaults={"task": task, "queue": queue, "interval": interval, "expire_seconds": expire_seconds},
        )
    first._tell_beat(apps)


def remove_schedules(apps, schema_editor):
    PeriodicTask = apps.get_model("django_celery_beat", "PeriodicTask")
    PeriodicTask.objects.filter(name__in=[schedule[0] for schedule in SCHEDULES]).delete()
    first._tell_beat(apps)


class Migration(migrations.Migration):
    dependencies = [("ingestion", "0003_schedule_alerts"), ("keys", "0006_device_imports")]

    operations = [migrations.RunPython(create_schedules, remove_schedules)]
