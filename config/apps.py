from typing import Any

from django.apps import AppConfig, apps
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.models.signals import post_migrate


class GlimpseConfig(AppConfig):
    """The wiring: loads Celery's application so that `shared_task` finds it, gives the pages of `ops` what the keys
    tell of a tracker's lifecycle, and applies schedules after `migrate`."""

    name = "config"

    def ready(self) -> None:
        from config.celery import app  # noqa: PLC0415
        from keys.pages import lifecycle as of_keys  # noqa: PLC0415
        from ops.pages import lifecycle  # noqa: PLC0415

        app.set_default()
        lifecycle.add_stages(*of_keys.STAGES)
        post_migrate.connect(apply_schedules, sender=apps.get_app_config("django_celery_beat"))


def apply_schedules(using: str = DEFAULT_DB_ALIAS, **_kwargs: Any) -> None:
    """Beat's tables may just have been migrated away."""
    from django_celery_beat.models import PeriodicTask  # noqa: PLC0415

    from foundation import schedules  # noqa: PLC0415

    if using == DEFAULT_DB_ALIAS and (
        PeriodicTask._meta.db_table in connections[using].introspection.table_names()
    ):
        schedules.apply(schedules.declared())
