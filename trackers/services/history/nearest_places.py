"""The nearest place to each tracker, found after its position was written: recording reports waits for no map."""

from foundation import bulk, sql
from foundation.deadlines import Clock, Deadline
from locations import places
from trackers.models import Tracker

# Their rows are locked meanwhile: for a tenth of a second.
TRACKERS_PER_STATEMENT = 200

FIND_PLACES = sql.load("trackers/find_places").format(
    near=places.statement(points="SELECT tracker_id, at FROM moved", columns=["tracker_id"])
)


def find_places(*, clock: Clock, time_budget_s: float) -> int:
    """Find the nearest place of trackers that moved since the last time; returns how many that were."""
    deadline = Deadline(clock, time_budget_s)
    total = 0
    while not deadline.passed:
        found = bulk.execute(FIND_PLACES, {"most": TRACKERS_PER_STATEMENT, "now": clock()})
        total += found
        if found < TRACKERS_PER_STATEMENT:
            break
    return total


def find_all_again() -> int:
    """After the gazetteer changed: every tracker's place is due. Returns how many."""
    return Tracker.objects.filter(last_position__isnull=False, near_is_due=False).update(near_is_due=True)
