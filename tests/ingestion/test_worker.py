"""A real Celery worker, killed in the middle of a fetch."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest
from django.conf import settings as configured
from django.db import connection
from django.utils import timezone

from config.celery import app
from ingestion.models import FetchState
from ingestion.services import queueing
from ingestion.tasks import fetch_due_trackers
from trackers.models import LocationReport, Tracker

pytestmark = pytest.mark.django_db(transaction=True)
REPOSITORY = Path(__file__).resolve().parents[2]
LEASE_S = 3


def wait_until(condition: Callable[[], bool], what: str, *, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited {seconds} s in vain: {what}"
        time.sleep(0.05)


def database_url() -> str:
    """The URL of the tests' own database: that of the settings with another name at its end."""
    parts = urlsplit(os.environ["DATABASE_URL"])
    folder = parts.path.rpartition("/")[0]
    return urlunsplit(parts._replace(path=f"{folder}/{connection.settings_dict['NAME']}"))


@pytest.fixture
def start_worker(settings, tmp_path) -> Iterator[Callable[[], subprocess.Popen]]:
    workers: list[subprocess.Popen] = []

    def start() -> subprocess.Popen:
        environ = os.environ | {
            "DATABASE_URL": database_url(),
            "REDIS_PREFIX": settings.REDIS_PREFIX,
            "FINDMY_URL": settings.FINDMY_URL,
            "FINDMY_ANISETTE_URL": settings.FINDMY_ANISETTE_URL,
            "FINDMY_ACCOUNTS": ",".join(settings.FINDMY_ACCOUNTS),
            "FETCH_LEASE_S": str(LEASE_S),
            "PYTHONWARNINGS": "default",
        }
        command = ["celery", "-A", "config", "worker", "-c", "1", "-Q", "fetch", "--without-mingle"]
        with (tmp_path / f"worker{len(workers)}.log").open("w") as log:
            worker = subprocess.Popen(
                [sys.executable, "-m", *command],
                cwd=REPOSITORY,
                env=environ,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        workers.append(worker)
        return worker

    yield start
    for number, worker in enumerate(workers):
        kill(worker)
        # Shown if the test failed.
        sys.stderr.write((tmp_path / f"worker{number}.log").read_text())


def kill(worker: subprocess.Popen) -> None:
    """The worker and its children: they are the session that it leads."""
    if worker.poll() is None:
        os.killpg(worker.pid, signal.SIGKILL)
    worker.wait(timeout=10)


@pytest.fixture
def send_tick(own_redis_keys, monkeypatch) -> Iterator[Callable[[], None]]:
    """Send the task as beat does, to the queue of this test's workers."""
    options = configured.CELERY_BROKER_TRANSPORT_OPTIONS | {"global_keyprefix": f"{own_redis_keys}celery:"}
    with app.connection_for_write(transport_options=options) as broker:
        yield lambda: fetch_due_trackers.apply_async(connection=broker, queue="fetch")


def test_a_killed_worker_loses_nothing_and_nothing_comes_twice(
    make_fleet, serve, start_worker, send_tick, queue, clock, settings
):
    clock.now = timezone.now()
    trackers = make_fleet(4)
    gateway = serve(trackers, slow_s=60)
    settings.FETCH_LEASE_S = LEASE_S
    queueing.sync_queue(now=timezone.now())
    gateway.faults.set({"slow": 1})

    first = start_worker()
    send_tick()
    wait_until(lambda: gateway.stats()["counts"].get("fault_slow") == 1, "the first worker's request")
    kill(first)

    assert LocationReport.objects.count() == 0
    assert FetchState.objects.queued().filter(last_attempt_at=None).count() == 4
    assert len(queue) == 4
    wait_until(
        lambda: all(queue.scheduled(tracker.pk) <= timezone.now() for tracker in trackers), "the leases' end"
    )

    start_worker()
    send_tick()
    wait_until(lambda: not FetchState.objects.filter(last_success_at=None).exists(), "the second worker")

    identities = list(LocationReport.objects.values_list("tracker_id", "fingerprint"))
    identities = [(tracker_id, bytes(fingerprint)) for tracker_id, fingerprint in identities]
    assert len(identities) == len(set(identities)) > 40
    assert {tracker_id for tracker_id, _ in identities} == {tracker.pk for tracker in trackers}
    assert gateway.stats()["counts"]["fetch_v2"] == 2
    assert set(Tracker.objects.values_list("status", flat=True)) == {"IN_TRANSIT"}
    wait_until(lambda: min(queue.scheduled(t.pk) for t in trackers) > timezone.now(), "the queue")
    assert set(FetchState.objects.values_list("consecutive_failures", flat=True)) == {0}
