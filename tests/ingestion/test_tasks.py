import pytest
from django.utils import timezone

from ingestion import tasks
from ingestion.models import Heartbeat
from ingestion.services import fetching, queueing

TASKS = [
    tasks.fetch_due_trackers,
    tasks.sync_fetch_queue,
    tasks.rebuild_fetch_queue,
    tasks.beat_heart,
    tasks.tidy_up,
]
by_name = pytest.mark.parametrize("task", TASKS, ids=lambda task: task.__name__)


@by_name
def test_a_task_has_limits_and_acknowledges_late(task, settings):
    assert task.acks_late
    assert 0 < task.soft_time_limit < task.time_limit
    # A task that is still running must not be delivered again.
    assert task.time_limit < settings.CELERY_BROKER_TRANSPORT_OPTIONS["visibility_timeout"]


def test_a_fetch_ends_before_its_lease_does():
    assert tasks.fetch_due_trackers.time_limit < 300


@pytest.mark.django_db
@by_name
def test_a_task_tolerates_arguments_of_a_newer_release(task, monkeypatch, own_redis_keys, settings):
    settings.FINDMY_ACCOUNTS = []

    task.apply(kwargs={"invented_later": 1}, throw=True)


@pytest.mark.django_db
def test_shells_hand_over_the_clock(monkeypatch, own_redis_keys):
    called = {}
    monkeypatch.setattr(fetching, "fetch_due", lambda **options: called.update(fetch=options["clock"]))
    monkeypatch.setattr(queueing, "sync_queue", lambda *, now: called.update(sync=now))
    before = timezone.now()

    tasks.fetch_due_trackers()
    tasks.sync_fetch_queue()
    tasks.beat_heart()

    assert called["fetch"] is timezone.now
    assert before <= called["sync"] <= timezone.now()
    assert Heartbeat.objects.get(name="beat").beat_at >= before
