"""What a web process or worker asks before it takes any work."""

import structlog
from django.core.checks import CheckMessage, run_checks
from django.core.management.base import SystemCheckError
from django.db import DEFAULT_DB_ALIAS, OperationalError

log = structlog.get_logger(__name__)


def require_sound() -> None:
    """Run the system checks, as `manage.py` does, with those that need the database: `keys.E001` and `keys.E002` are
    among them. While the database is out of reach these are left to `/health/`.

    Raises SystemCheckError, which names every error and what to do.
    """
    errors = [message for message in _messages() if message.is_serious()]
    if errors:
        told = (f"{error.id}: {error.msg}\n  {error.hint or ''}".rstrip() for error in errors)
        raise SystemCheckError("\n".join(["This process can't start.", *told]))


def _messages() -> list[CheckMessage]:
    try:
        return run_checks(databases=[DEFAULT_DB_ALIAS])
    except OperationalError:
        log.warning("started_without_database")
        return run_checks()
