import pytest

from keys import tasks
from keys.models import KeyBatch
from keys.services import generating
from tests.factories import NOW

pytestmark = pytest.mark.django_db


def test_task_has_limits_and_acknowledges_late(settings):
    task = tasks.generate_keys
    assert task.acks_late
    assert tasks.GENERATION_TIME_BUDGET_S < task.soft_time_limit < task.time_limit
    assert task.time_limit < settings.CELERY_BROKER_TRANSPORT_OPTIONS["visibility_timeout"]


def test_task_generates_what_waits_and_tolerates_arguments_of_a_newer_release():
    generating.create_batch(label="Waits", devices=3, keys_per_device=1, actor=None, now=NOW)
    tasks.generate_keys.apply(kwargs={"invented_later": 1}, throw=True)
    assert KeyBatch.objects.get().state == KeyBatch.State.GENERATED


def test_task_passes_on_what_it_did_not_finish(monkeypatch):
    passed_on = []
    monkeypatch.setattr(tasks.generate_keys, "delay", lambda: passed_on.append(1))
    monkeypatch.setattr(tasks, "GENERATION_TIME_BUDGET_S", 0)
    tasks.generate_keys()
    assert passed_on == []
    generating.create_batch(label="Waits", devices=3, keys_per_device=1, actor=None, now=NOW)
    tasks.generate_keys()
    assert passed_on == [1]
