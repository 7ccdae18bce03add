"""A tracker's lifecycle as staff see it: what trackers and orders tell, and what the wiring adds.

`ops` may not know the keys, so `config` hands their stages over when it starts.
"""

from orders.pages import lifecycle as of_orders
from trackers.models import Tracker
from trackers.pages import lifecycle
from trackers.pages.lifecycle import Stage, Step

_added: list[Stage] = []


def add_stages(*stages: Stage) -> None:
    _added.extend(stages)


def stages() -> tuple[Stage, ...]:
    return (*lifecycle.STAGES, *of_orders.STAGES, *_added)


def steps_of(tracker: Tracker) -> list[Step]:
    """What happened to the tracker, in the order of time, then what is still to come."""
    return lifecycle.steps_of(tracker, stages())
