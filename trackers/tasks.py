"""Background work on histories. Each task does a bounded piece and passes on the rest."""

from typing import Any

from celery import shared_task
from django.utils import timezone

from trackers.services import alerting, replaying, silent_places

# A minute's worth: what is left over is taken by the next run, or by another worker.
TRACKERS_PER_LOOK = 20_000


@shared_task(acks_late=True, soft_time_limit=240, time_limit=300)
def replay_location(location_id: int, after: int = 0, **_: Any) -> None:
    """Replay the trackers that a change of a location concerns."""
    concerned = replaying.concerned_by_location(location_id)
    last = replaying.replay_next(trackers=concerned, after=after, now=timezone.now())
    if last is not None:
        replay_location.delay(location_id, after=last)


@shared_task(acks_late=True, soft_time_limit=240, time_limit=300)
def replay_run(run_id: int, after: int = 0, **_: Any) -> None:
    """Replay the trackers that a change of a run's dates or policy concerns."""
    concerned = replaying.concerned_by_run(run_id)
    last = replaying.replay_next(trackers=concerned, after=after, now=timezone.now())
    if last is not None:
        replay_run.delay(run_id, after=last)


@shared_task(acks_late=True, soft_time_limit=240, time_limit=300)
def look_for_alerts(**_: Any) -> None:
    """Look at the trackers that are due, then at the places where many are silent."""
    now = timezone.now()
    alerting.look_at_due(most=TRACKERS_PER_LOOK, now=now)
    silent_places.look_at_places(now=now)
