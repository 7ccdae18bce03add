"""A real process that generates keys, killed in the middle."""

import json
import os
import signal
import subprocess
import sys
import time
from io import StringIO
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from keys.models import KeyBatch, KeyPair
from keys.services import generating

pytestmark = pytest.mark.django_db(transaction=True)
REPOSITORY = Path(__file__).resolve().parents[2]
DEVICES, KEYS_PER_DEVICE = 15_000, 2


def environ() -> dict[str, str]:
    """The environment, with the tests' own database at the end of its URL."""
    parts = urlsplit(os.environ["DATABASE_URL"])
    folder = parts.path.rpartition("/")[0]
    url = urlunsplit(parts._replace(path=f"{folder}/{connection.settings_dict['NAME']}"))
    return os.environ | {"DATABASE_URL": url, "PYTHONWARNINGS": "default"}


def start_generating() -> subprocess.Popen:
    command = ["generate_keys", "--devices", str(DEVICES), "--keys-per-device", str(KEYS_PER_DEVICE)]
    return subprocess.Popen(
        [sys.executable, "manage.py", *command, "--label", "Killed"],
        cwd=REPOSITORY,
        env=environ(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def wait_for_progress(process: subprocess.Popen) -> None:
    deadline = time.monotonic() + 120
    while not KeyBatch.objects.filter(generated_devices__gt=0).exists():
        assert process.poll() is None, "it ended by itself"
        assert time.monotonic() < deadline
        time.sleep(0.02)


def devices_and_keys() -> list[tuple[int, int]]:
    return list(
        KeyPair.objects.order_by("device_index", "key_index").values_list("device_index", "key_index")
    )


def test_killed_process_leaves_no_gap_and_no_double_for_the_next():
    process = start_generating()
    try:
        wait_for_progress(process)
        time.sleep(0.1)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait(timeout=30)
    batch = KeyBatch.objects.get()
    assert 0 < batch.generated_devices < DEVICES
    assert len(devices_and_keys()) == batch.generated_devices * KEYS_PER_DEVICE
    said = StringIO()
    call_command("generate_keys", resume="Killed", json=True, stdout=said)
    made = json.loads(said.getvalue())["key_pairs_made"]
    assert made == (DEVICES - batch.generated_devices) * KEYS_PER_DEVICE
    assert devices_and_keys() == [
        (device, key) for device in range(DEVICES) for key in range(KEYS_PER_DEVICE)
    ]


def test_worker_takes_up_what_a_killed_process_left():
    process = start_generating()
    try:
        wait_for_progress(process)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait(timeout=30)
    assert generating.drain_batches(clock=timezone.now, time_budget_s=120) is False
    assert KeyBatch.objects.get().state == KeyBatch.State.GENERATED
    assert KeyPair.objects.count() == DEVICES * KEYS_PER_DEVICE
