"""Replays of many trackers, asked of a worker once the change that calls for them is committed."""

from functools import partial

from celery import current_app
from django.db import transaction


def request_replay(*, task: str, pk: int) -> None:
    """`task` is the name of one in `trackers.tasks` that takes a primary key.

    A broker that can't be reached does not undo the change: reconciliation finds the trackers in time.
    """
    send = partial(current_app.send_task, f"trackers.tasks.{task}", args=[pk])
    transaction.on_commit(send, robust=True)
