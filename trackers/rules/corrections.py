"""What must change in the store so that it says what the timeline says.

Rows that come out equal keep their ids, wrong ones are retracted, new ones are added.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from trackers.rules.timeline import Event, EventType, Stay, Timeline


class StoredStay(NamedTuple):
    id: int
    stay: Stay
    ended_at: datetime | None


class StoredEvent(NamedTuple):
    id: int
    type: EventType
    location_id: int | None
    occurred_at: datetime
    fingerprint: bytes
    status_change_id: int | None


class NewStay(NamedTuple):
    stay: Stay
    ended_at: datetime | None


@dataclass(slots=True)
class Corrections:
    """The difference; empty lists where the store is right. `kept` tells the ids of stays that stand."""

    stays_to_retract: list[int] = field(default_factory=list)
    stays_to_end: list[tuple[int, datetime | None]] = field(default_factory=list)
    stays_to_add: list[NewStay] = field(default_factory=list)
    events_to_retract: list[int] = field(default_factory=list)
    events_to_add: list[Event] = field(default_factory=list)
    kept: dict[Stay, int] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        return not (
            self.stays_to_retract
            or self.stays_to_end
            or self.stays_to_add
            or self.events_to_retract
            or self.events_to_add
        )


def correct(
    timeline: Timeline,
    *,
    before: StoredStay | None,
    stays: Sequence[StoredStay],
    events: Sequence[StoredEvent],
    ends_at: datetime | None,
) -> Corrections:
    """Compare a played window with its stored rows.

    before: the stored stay that the window begins in, if any. ends_at: the assignment's end, which closes the last
    stay; None while it lasts.
    """
    corrections = Corrections()
    _correct_stays(corrections, timeline.stays, before, stays, ends_at)
    _correct_events(corrections, timeline.events, events)
    return corrections


def _correct_stays(
    corrections: Corrections,
    expected: list[Stay],
    before: StoredStay | None,
    stored: Sequence[StoredStay],
    ends_at: datetime | None,
) -> None:
    ends = [stay.started_at for stay in expected] + [ends_at]
    if before is not None and before.ended_at != ends[0]:
        corrections.stays_to_end.append((before.id, ends[0]))
    standing: dict[Stay, StoredStay] = {}
    wanted = set(expected)
    for row in stored:
        if row.stay in wanted and row.stay not in standing:
            standing[row.stay] = row
        else:
            corrections.stays_to_retract.append(row.id)
    for stay, ended_at in zip(expected, ends[1:], strict=True):
        kept = standing.get(stay)
        if kept is None:
            corrections.stays_to_add.append(NewStay(stay, ended_at))
            continue
        corrections.kept[stay] = kept.id
        if kept.ended_at != ended_at:
            corrections.stays_to_end.append((kept.id, ended_at))


def _correct_events(corrections: Corrections, expected: list[Event], stored: Sequence[StoredEvent]) -> None:
    if not stored:
        corrections.events_to_add = expected
        return
    standing = {row[1:]: row.id for row in stored}
    right: set[int] = set()
    for event in expected:
        status_change_id = corrections.kept.get(event.stay) if event.stay else None
        row = (event.type, event.location_id, event.occurred_at, event.fingerprint, status_change_id)
        stands = None if event.stay and status_change_id is None else standing.get(row)
        if stands is None:
            corrections.events_to_add.append(event)
        else:
            right.add(stands)
    corrections.events_to_retract = [row.id for row in stored if row.id not in right]
