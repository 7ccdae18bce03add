"""Takes up key batches that nobody goes on with. Ops may change the interval; running this again leaves it alone."""

from django.db import migrations
from django.utils import timezone

NAME = "Generate waiting keys"
EVERY, PERIOD, EXPIRE_SECONDS = 1, "minutes", 60


def create_schedule(apps, schema_editor):
    IntervalSchedule = apps.get_model("django_celery_beat", "IntervalSchedule")
    PeriodicTask = apps.get_model("django_celery_beat", "PeriodicTask")
    interval = IntervalSchedule.objects.filter(every=EVERY, period=PERIOD).first()
    if interval is None:
        interval = IntervalSchedule.objects.create(every=EVERY, period=PERIOD)
    PeriodicTask.objects.get_or_create(
        name=NAME,
        defaults={
            "task": "keys.tasks.generate_keys",
            "queue": "default",
            "interval": interval,
            "expire_seconds": EXPIRE_SECONDS,
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
        ("keys", "0004_exports"),
        ("django_celery_beat", "0019_alter_periodictasks_options"),
    ]

    operations = [migrations.RunPython(create_schedule, remove_schedule)]
