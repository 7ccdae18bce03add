"""A change tried and rolled back, to say what it would do to histories."""

from collections.abc import Callable
from dataclasses import dataclass

from django.db import transaction

from foundation.deadlines import Clock
from trackers.models import RecomputationJob
from trackers.services import recomputation
from trackers.services.recomputation import Preview


@dataclass(frozen=True, slots=True)
class Tried:
    """What is changed, in words, and what that would do."""

    change: str
    preview: Preview


def attempt(change: Callable[[], RecomputationJob | None], *, clock: Clock) -> Tried | None:
    """Make the change, ask what its job would do, and roll both back; None if no history would change."""
    with transaction.atomic():
        job = change()
        preview = recomputation.preview_job(job=job, clock=clock) if job else None
        transaction.set_rollback(True)
    if job is None or preview is None or (preview.complete and not preview.changing):
        return None
    return Tried(job.change, preview)
