"""Publishes what was written to the status history: arrivals, departures, changes of status, and their retractions.

DWELL and TRANSIT are not told: there is one for each report. Each fact goes to the client of its row's assignment, so
that the earlier client of a tracker that moved on learns what is retracted of its time.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from outbox import services as outbox
from outbox.facts import FactType, NewFact
from trackers.rules.comparison import StoredEvent, StoredPeriod
from trackers.rules.timeline import Event, EventType, StatusPeriod
from trackers.services.history.windows import Scope

ADDED = {EventType.ENTRY: FactType.TRACKER_ENTERED, EventType.EXIT: FactType.TRACKER_EXITED}
RETRACTED = {
    EventType.ENTRY: FactType.TRACKER_ENTRY_RETRACTED,
    EventType.EXIT: FactType.TRACKER_EXIT_RETRACTED,
}
# At one moment a tracker exits, enters, and has another status.
ORDER_IN_A_MOMENT = [
    FactType.TRACKER_ENTRY_RETRACTED,
    FactType.TRACKER_EXIT_RETRACTED,
    FactType.TRACKER_EXITED,
    FactType.TRACKER_ENTERED,
    FactType.TRACKER_STATUS_CHANGE_RETRACTED,
    FactType.TRACKER_STATUS_CHANGED,
]


@dataclass(frozen=True, slots=True)
class PublishedChange:
    """A row as it is told. status: of a status period. retracted_after: why it is retracted; empty where it is new."""

    type: FactType
    scope: Scope
    status_change_id: int
    location_id: int | None
    occurred_at: datetime
    status: str | None = None
    retracted_after: str = ""

    @property
    def order(self) -> tuple[bool, int, datetime, int]:
        """Retractions come first, so that nothing is ever told twice."""
        turn = ORDER_IN_A_MOMENT.index(self.type)
        return not self.retracted_after, self.scope.tracker_id, self.occurred_at, turn

    def fact(self) -> NewFact:
        """`status_change` is the same for what begins a status period and for what retracts it."""
        data: dict[str, object] = {
            "status_change": self.status_change_id,
            "assignment": self.scope.assignment_id,
            "location": self.location_id,
        }
        if self.status is not None:
            data["status"] = self.status
        if self.retracted_after:
            data["retracted_after"] = self.retracted_after
        return NewFact(
            type=self.type,
            subject_id=self.scope.tracker_id,
            client_id=self.scope.client_id,
            occurred_at=self.occurred_at,
            data=data,
        )


def of_retracted_event(scope: Scope, event: StoredEvent, after: str) -> PublishedChange | None:
    """None for what is not told."""
    if event.type not in RETRACTED or event.status_change_id is None:
        return None
    return PublishedChange(
        RETRACTED[event.type],
        scope,
        event.status_change_id,
        event.location_id,
        event.occurred_at,
        retracted_after=after,
    )


def of_retracted_period(scope: Scope, row: StoredPeriod, after: str) -> PublishedChange:
    """after: the code of what showed it to be wrong."""
    place = row.period.place
    return PublishedChange(
        FactType.TRACKER_STATUS_CHANGE_RETRACTED,
        scope,
        row.id,
        place.location_id,
        row.period.started_at,
        place.status.value,
        after,
    )


def of_crossing(scope: Scope, event: Event, status_change_id: int) -> PublishedChange:
    """An ENTRY or EXIT that was added, by the id of the status period that it begins."""
    return PublishedChange(ADDED[event.type], scope, status_change_id, event.location_id, event.occurred_at)


def of_period(scope: Scope, period: StatusPeriod, status_change_id: int) -> PublishedChange:
    """A status period that was added, by the id of its row."""
    place = period.place
    return PublishedChange(
        FactType.TRACKER_STATUS_CHANGED,
        scope,
        status_change_id,
        place.location_id,
        period.started_at,
        place.status.value,
    )


def publish_changes(changes: Iterable[PublishedChange], *, now: datetime) -> None:
    """Publish what was written, in the transaction that wrote it. The caller holds the locks of the trackers."""
    outbox.publish_all([change.fact() for change in sorted(changes, key=lambda it: it.order)], now=now)
