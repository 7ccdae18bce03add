"""Production runs without the simulation: with the package out of reach, every process still starts."""

import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest
from django.apps import apps
from django.db import connection

REPOSITORY = Path(__file__).parents[2]
PRODUCTION = {
    "DEBUG": "false",
    "SIMULATION": "false",
    "SECRET_KEY": "a-secret-of-a-real-installation-that-is-long-enough-0123456789",
    "ALLOWED_HOSTS": "glimpse.example",
    "FINDMY_ACCOUNTS": "check:dsid:token",
}
# `None` in sys.modules makes each import of the package fail, as if it had not been deployed.
WITHOUT = "import sys; sys.modules['simulation'] = None; "
MANAGE = WITHOUT + "from django.core.management import execute_from_command_line as run; run(sys.argv)"
WORKER = WITHOUT + (
    "from config.celery import app; app.loader.import_default_modules(); app.finalize();"
    " print(*sorted(app.tasks))"
)
WEB = WITHOUT + "from config.wsgi import application; from django.urls import resolve; resolve('/health/')"


def in_production(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Python code as production does, on the database of the tests, which has all migrations."""
    database = urlsplit(os.environ["DATABASE_URL"])
    path = f"{database.path.rpartition('/')[0]}/{connection.settings_dict['NAME']}"
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=REPOSITORY,
        env=os.environ
        | PRODUCTION
        | {
            "DATABASE_URL": urlunsplit(database._replace(path=path)),
            "DJANGO_SETTINGS_MODULE": "config.settings",
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.django_db
@pytest.mark.parametrize(
    "command",
    [("check", "--deploy", "--fail-level", "WARNING"), ("migrate", "--check"), ("makemigrations", "--check")],
    ids=" ".join,
)
def test_command_of_a_deployment_runs_without_the_simulation(command: tuple[str, ...]) -> None:
    ended = in_production(MANAGE, *command)
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_worker_finds_its_tasks_without_the_simulation() -> None:
    ended = in_production(WORKER)
    assert ended.returncode == 0, ended.stderr
    assert "ingestion.tasks.fetch_due_trackers" in ended.stdout.split()


def test_web_process_starts_without_the_simulation() -> None:
    ended = in_production(WEB)
    assert ended.returncode == 0, ended.stderr


def test_block_would_notice_an_import_of_the_simulation() -> None:
    ended = in_production(WITHOUT + "import simulation.findmy.gateway")
    assert ended.returncode == 1
    assert "ModuleNotFoundError" in ended.stderr


def test_no_model_is_in_the_simulation() -> None:
    """Else its tables would be missing in production, or be there for nothing."""
    assert not list(apps.get_app_config("simulation").get_models())
