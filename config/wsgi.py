"""WSGI entry point for gunicorn."""

import os

from django.core.wsgi import get_wsgi_application

from config import starting

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

application = get_wsgi_application()
starting.require_sound()
