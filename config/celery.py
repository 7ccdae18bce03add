"""Celery's application; tasks live in each app's `tasks.py`."""

import os
import sys
from typing import Any

from celery import Celery
from celery.signals import worker_init
from django.core.management.base import SystemCheckError

from config import starting

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
# Celery would run the system checks too, and drop what they say; `refuse_unsound` heeds them.
os.environ.setdefault("CELERY_SKIP_CHECKS", "true")

app = Celery("glimpse")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@worker_init.connect
def refuse_unsound(**kwargs: Any) -> None:
    """A worker without usable master keys would fetch what it can't open."""
    try:
        starting.require_sound()
    except SystemCheckError as error:
        sys.exit(str(error))
