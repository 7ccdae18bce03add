"""What beat runs and how often. Ops may change intervals in the admin; running this again leaves them alone."""

from django.db import migrations
from django.utils import timezone

SCHEDULES = (
    # name, task, queue, every, period, expires after (s)
    ("Fetch due trackers", "ingestion.tasks.fetch_due_trackers", "fetch", 5, "seconds", 10),
    ("Sync the fetch queue", "ingestion.tasks.sync_fetch_queue", "default", 30, "seconds", 30),
    ("Rebuild the fetch queue's index", "ingestion.tasks.rebuild_fetch_queue", "default", 1, "hours", 3600),
    ("Heartbeat", "ingestion.tasks.beat_heart", "default", 10, "seconds", 20),
    ("Make report partitions", "ingestion.tasks.make_partitions", "default", 6, "hours", 3600),
    ("Verify timelines", "ingestion.tasks.reconcile_sample", "default", 10, "minutes", 600),
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
    _tell_beat(apps)


def remove_schedules(apps, schema_editor):
    PeriodicTask = apps.get_model("django_celery_beat", "PeriodicTask")
    PeriodicTask.objects.filter(name__in=[schedule[0] for schedule in SCHEDULES]).delete()
    _tell_beat(apps)


def _tell_beat(apps):
    """A running beat reads its schedule again; historical models send no signals."""
    PeriodicTasks = apps.get_model("django_celery_beat", "PeriodicTasks")
    PeriodicTasks.objects.update_or_create(ident=1, defaults={"last_update": timezone.now()})


class Migration(migrations.Migration):
    dependencies = [
        ("ingestion", "0001_initial"),
        ("django_celery_beat", "0019_alter_periodictasks_options"),
    ]

    operations = [migrations.RunPython(create_schedules, remove_schedules)]
