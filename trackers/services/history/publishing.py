"""Publishes what was written to the status history: arrivals, departures, changes of status, and their retractions.

DWELL and TRANSIT are not told: there is one for each report. Each fact goes to the client of its row's assignment, so
that the earlier client of a tracker that moved on learns what is retracted of its time.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from foundation import bulk, sql
from outbox import services as outbox
from outbox.facts import FactType, NewFact

HISTORY_TO_PUBLISH = sql.load("trackers/history_to_publish")


@dataclass(frozen=True, slots=True)
class Crossing:
    """A new ENTRY or EXIT, by the status period that it begins."""

    status_change_id: int
    type: str


@dataclass(frozen=True, slots=True)
class PublishedChange:
    """A row as it is told; `retracted_after` says why it is retracted."""

    type: str
    tracker_id: int
    client_id: int
    assignment_id: int
    status_change_id: int
    status: str | None
    location_id: int | None
    occurred_at: datetime
    retracted_after: str

    def fact(self) -> NewFact:
        """`status_change` is the same for what begins a status period and for what retracts it."""
        data: dict[str, object] = {
            "status_change": self.status_change_id,
            "assignment": self.assignment_id,
            "location": self.location_id,
        }
        if self.status is not None:
            data["status"] = self.status
        if self.retracted_after:
            data["retracted_after"] = self.retracted_after
        return NewFact(
            type=FactType(self.type),
            subject_id=self.tracker_id,
            client_id=self.client_id,
            occurred_at=self.occurred_at,
            data=data,
        )


def publish_changes(
    *,
    retracted_events: Collection[int],
    retracted_periods: Collection[int],
    added_periods: Collection[int],
    crossings: Sequence[Crossing],
    now: datetime,
) -> None:
    """Publish the rows with these ids, in the transaction that wrote them: one statement reads and one publishes,
    however many they are. The caller holds the locks of their trackers."""
    if not (retracted_events or retracted_periods or added_periods or crossings):
        return
    parameters = {
        "retracted_events": list(retracted_events),
        "retracted_periods": list(retracted_periods),
        "added_periods": list(added_periods),
        "crossing_periods": [crossing.status_change_id for crossing in crossings],
        "crossing_types": [crossing.type for crossing in crossings],
    }
    changes = bulk.fetch_rows(HISTORY_TO_PUBLISH, parameters, PublishedChange)
    outbox.publish_all([change.fact() for change in changes], now=now)
