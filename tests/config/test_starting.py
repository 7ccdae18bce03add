"""A process that could not open private keys does not start."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management.base import SystemCheckError
from django.db import OperationalError, connection

from config import starting
from keys.services import generating
from keys.vault import new_master_key
from tests.factories import NOW

REPOSITORY = Path(__file__).parents[2]
WORKER = ("celery", "-A", "config", "worker", "-c", "1", "-Q", "nothing", "--without-mingle")
WEB = ("gunicorn", "config.wsgi", "--bind", "127.0.0.1:0", "--no-control-socket")


@pytest.mark.parametrize("command", [WORKER, WEB], ids=["worker", "web"])
def test_process_with_a_bad_master_key_ends_and_says_why(command):
    ended = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=REPOSITORY,
        env=os.environ | {"VAULT_MASTER_KEYS": "c2VjcmV0"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode != 0
    assert "This process can't start." in ended.stderr
    assert "keys.E001: VAULT_MASTER_KEYS: " in ended.stderr
    assert "openssl rand -base64 32" in ended.stderr
    assert "c2VjcmV0" not in ended.stderr


@pytest.mark.django_db
def test_missing_master_key_of_what_is_stored_is_named(settings):
    batch = generating.create_batch(label="Spring", devices=1, keys_per_device=1, actor=None, now=NOW)
    starting.require_sound()
    settings.VAULT_MASTER_KEYS = [new_master_key()]
    with pytest.raises(SystemCheckError, match=f"keys.E002.*{bytes(batch.sealed_data_key)[:4].hex()}"):
        starting.require_sound()


@pytest.mark.django_db
def test_process_starts_while_the_database_is_away(monkeypatch, settings):
    def unreachable(*args, **kwargs):
        raise OperationalError("no route to host")

    monkeypatch.setattr(connection, "cursor", unreachable)
    starting.require_sound()
    settings.VAULT_MASTER_KEYS = []
    with pytest.raises(SystemCheckError, match=r"keys\.E001"):
        starting.require_sound()
