"""What must change in the store so that it says what the timeline says.

Rows that come out equal keep their ids, wrong ones are retracted, new ones are added.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from trackers.rules.timeline import Event, EventType, StatusPeriod, Timeline
from trackers.rules.verdicts import Report, Verdict


class StoredPeriod(NamedTuple):
    id: int
    period: StatusPeriod
    ended_at: datetime | None


class StoredEvent(NamedTuple):
    id: int
    type: EventType
    location_id: int | None
    occurred_at: datetime
    fingerprint: bytes
    status_change_id: int | None


class _EventKey(NamedTuple):
    """What makes a stored event and a derived one the same."""

    type: EventType
    location_id: int | None
    occurred_at: datetime
    fingerprint: bytes
    status_change_id: int | None


class PeriodEnd(NamedTuple):
    """A stored period that ends at another moment; None: it lasts."""

    id: int
    ended_at: datetime | None


class NewPeriod(NamedTuple):
    period: StatusPeriod
    ended_at: datetime | None


class NewVerdict(NamedTuple):
    """A stored report (seen_at, fingerprint) that means something else than its row says."""

    seen_at: datetime
    fingerprint: bytes
    verdict: Verdict


@dataclass(slots=True)
class Difference:
    """Empty lists where the store is right. kept: the ids of the stored periods that stay as they are."""

    verdicts_to_set: list[NewVerdict] = field(default_factory=list)
    periods_to_retract: list[int] = field(default_factory=list)
    periods_to_end: list[PeriodEnd] = field(default_factory=list)
    periods_to_add: list[NewPeriod] = field(default_factory=list)
    events_to_retract: list[int] = field(default_factory=list)
    events_to_add: list[Event] = field(default_factory=list)
    kept: dict[StatusPeriod, int] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        return not (
            self.verdicts_to_set
            or self.periods_to_retract
            or self.periods_to_end
            or self.periods_to_add
            or self.events_to_retract
            or self.events_to_add
        )


def compare_verdicts(reports: Sequence[Report], verdicts: Sequence[Verdict]) -> list[NewVerdict]:
    """Where the verdicts on reports differ from the stored ones."""
    return [
        NewVerdict(report.seen_at, report.fingerprint, verdict)
        for report, verdict in zip(reports, verdicts, strict=True)
        if report.verdict != verdict
    ]


def compare(
    timeline: Timeline,
    *,
    before: StoredPeriod | None,
    periods: Sequence[StoredPeriod],
    events: Sequence[StoredEvent],
    ends_at: datetime | None,
) -> Difference:
    """Compare the derived timeline of a window with its stored rows.

    before: the stored period that the window begins in, if any. ends_at: the assignment's end, which closes the last
    period; None while it lasts.
    """
    difference = Difference()
    _compare_periods(difference, timeline.periods, before, periods, ends_at)
    _compare_events(difference, timeline.events, events)
    return difference


def _compare_periods(
    difference: Difference,
    expected: list[StatusPeriod],
    before: StoredPeriod | None,
    stored: Sequence[StoredPeriod],
    ends_at: datetime | None,
) -> None:
    ends = [period.started_at for period in expected] + [ends_at]
    if before is not None and before.ended_at != ends[0]:
        difference.periods_to_end.append(PeriodEnd(before.id, ends[0]))
    standing: dict[StatusPeriod, StoredPeriod] = {}
    wanted = set(expected)
    for row in stored:
        if row.period in wanted and row.period not in standing:
            standing[row.period] = row
        else:
            difference.periods_to_retract.append(row.id)
    for period, ended_at in zip(expected, ends[1:], strict=True):
        kept = standing.get(period)
        if kept is None:
            difference.periods_to_add.append(NewPeriod(period, ended_at))
            continue
        difference.kept[period] = kept.id
        if kept.ended_at != ended_at:
            difference.periods_to_end.append(PeriodEnd(kept.id, ended_at))


def _compare_events(difference: Difference, expected: list[Event], stored: Sequence[StoredEvent]) -> None:
    if not stored:
        difference.events_to_add = expected
        return
    ids = {
        _EventKey(row.type, row.location_id, row.occurred_at, row.fingerprint, row.status_change_id): row.id
        for row in stored
    }
    right: set[int] = set()
    for event in expected:
        status_change_id = difference.kept.get(event.period) if event.period else None
        key = _EventKey(event.type, event.location_id, event.occurred_at, event.fingerprint, status_change_id)
        id_ = None if event.period and status_change_id is None else ids.get(key)
        if id_ is None:
            difference.events_to_add.append(event)
        else:
            right.add(id_)
    difference.events_to_retract = [row.id for row in stored if row.id not in right]
