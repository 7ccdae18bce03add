"""What a queued recomputation would change, found out without changing anything.

The caller has written the change and queued its recomputation in a transaction that it rolls back. So a preview asks
the very questions that the recomputation will ask.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from foundation.deadlines import Clock, Deadline
from trackers.models import RecomputationJob, Tracker
from trackers.services import history
from trackers.services.recomputation import jobs, recomputing

# Beyond these a preview says "at least": trackers whose histories are compared, and the time that it takes.
MOST_TRACKERS = 2_000
TIME_BUDGET_S = 5.0
TARGETS_AT_ONCE = 200
# Compared in one go: several trackers of together this many reports, or a single one of more. Two years of a report
# every twenty minutes take about two seconds and some fifty MB.
REPORTS_AT_ONCE = 5_000
LONGEST = 50_000
EXAMPLES = 10


@dataclass(frozen=True, slots=True)
class Example:
    """A tracker that would change: how many status periods fewer, more, and with another end."""

    tracker_id: int
    mac: str
    retracted: int
    added: int
    ended: int


@dataclass(slots=True)
class Preview:
    """affected: trackers whose history the recomputation may change, of which `examined` were; compared: those that
    were near and whose history was recomputed; changing: those of which it would change. complete: no tracker was left
    out."""

    affected: int
    examined: int = 0
    compared: int = 0
    changing: int = 0
    periods_retracted: int = 0
    periods_added: int = 0
    periods_ended: int = 0
    complete: bool = True
    examples: list[Example] = field(default_factory=list)

    @property
    def estimated(self) -> int:
        """How many trackers would change if the others are like those that were examined."""
        return round(self.changing * self.affected / self.examined) if self.examined else 0


def preview_job(*, job: RecomputationJob, clock: Clock) -> Preview:
    """What the job would change: exact up to MOST_TRACKERS within TIME_BUDGET_S, else for the first trackers only."""
    deadline, found, cursor = Deadline(clock, TIME_BUDGET_S), Preview(affected=job.total), 0
    while targets := list(job.targets.filter(tracker__gt=cursor).order_by("tracker")[:TARGETS_AT_ONCE]):
        ids = jobs.affected(job=job, targets=targets)
        while ids:
            if found.compared >= MOST_TRACKERS or deadline.passed:
                found.examined += sum(target.tracker_id < ids[0] for target in targets)
                found.complete = False
                return found
            batch = _first_batch(ids)
            _compare(found, batch)
            # One that is too long is left to the recomputation.
            found.complete = found.complete and bool(batch)
            ids = ids[max(len(batch), 1) :]
        found.examined += len(targets)
        cursor = targets[-1].tracker_id
    return found


def _first_batch(tracker_ids: Sequence[int]) -> Sequence[int]:
    return recomputing.first_batch(tracker_ids, reports=REPORTS_AT_ONCE) or recomputing.first_batch(
        tracker_ids[:1], reports=LONGEST
    )


def _compare(found: Preview, tracker_ids: Sequence[int]) -> None:
    retracted: Counter[int] = Counter()
    added: Counter[int] = Counter()
    ended: Counter[int] = Counter()
    changing = set()
    for found_in in history.compare_trackers(tracker_ids):
        tracker_id, difference = found_in.scope.tracker_id, found_in.difference
        if difference.is_empty:
            continue
        changing.add(tracker_id)
        retracted[tracker_id] += len(difference.periods_to_retract)
        added[tracker_id] += len(difference.periods_to_add)
        ended[tracker_id] += len(difference.periods_to_end)
    found.compared += len(tracker_ids)
    found.changing += len(changing)
    found.periods_retracted += retracted.total()
    found.periods_added += added.total()
    found.periods_ended += ended.total()
    shown = sorted(changing)[: EXAMPLES - len(found.examples)]
    macs = dict(Tracker.objects.filter(pk__in=shown).values_list("pk", "mac")) if shown else {}
    found.examples += [Example(pk, macs[pk], retracted[pk], added[pk], ended[pk]) for pk in shown]
