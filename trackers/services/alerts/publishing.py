"""Publishes what became of alerts and site outages, from their rows before and after a change.

That an alert goes on, of which `latest_at` tells, is no fact: it would be one for each report.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from foundation import bulk, sql
from outbox import services as outbox
from outbox.facts import FactType, NewFact
from trackers.models import Alert

ALERTS_TO_PUBLISH = sql.load("trackers/alerts_to_publish")


@dataclass(frozen=True, slots=True)
class PublishedAlert:
    """client_id: of the assignment; None for a site outage, which is for staff alone."""

    id: int
    kind: str
    tracker_id: int | None
    assignment_id: int | None
    client_id: int | None
    location_id: int | None
    country: str
    began_at: datetime
    latest_at: datetime
    ended_at: datetime | None
    measure: float | None

    @property
    def is_site_outage(self) -> bool:
        return self.kind == Alert.Kind.SILENT_PLACE

    def fact(self, type_: FactType, occurred_at: datetime) -> NewFact:
        return NewFact(
            type=type_,
            subject_id=self.id,
            client_id=self.client_id,
            occurred_at=occurred_at,
            data={
                "kind": self.kind,
                "tracker": self.tracker_id,
                "assignment": self.assignment_id,
                "location": self.location_id,
                "country": self.country,
                "began_at": self.began_at,
                "latest_at": self.latest_at,
                "ended_at": self.ended_at,
                "measure": self.measure,
            },
        )


def read(ids: Iterable[int]) -> dict[int, PublishedAlert]:
    """These alerts as they are stored now, without those that are retracted."""
    wanted = sorted(set(ids))
    rows = bulk.fetch_rows(ALERTS_TO_PUBLISH, {"ids": wanted}, PublishedAlert) if wanted else []
    return {row.id: row for row in rows}


def publish_changes(
    before: Mapping[int, PublishedAlert], after: Mapping[int, PublishedAlert], *, now: datetime
) -> None:
    """Tell how the alerts differ from what was stored before, in the transaction of the change; one that is no longer
    there was retracted."""
    facts = [
        row.fact(FactType.ALERT_RETRACTED, row.began_at) for id_, row in before.items() if id_ not in after
    ]
    for row in after.values():
        facts += _facts(before.get(row.id), row)
    outbox.publish_all(facts, now=now)


def _facts(before: PublishedAlert | None, after: PublishedAlert) -> Iterator[NewFact]:
    if after.is_site_outage:
        began, changed, ended = (
            FactType.SITE_OUTAGE_BEGAN,
            FactType.SITE_OUTAGE_CHANGED,
            FactType.SITE_OUTAGE_ENDED,
        )
    else:
        began, changed, ended = FactType.ALERT_BEGAN, FactType.ALERT_CHANGED, FactType.ALERT_ENDED
    if before is None:
        yield after.fact(began, after.began_at)
    if after.ended_at is not None and (before is None or before.ended_at is None):
        yield after.fact(ended, after.ended_at)
    elif before is not None and replace(before, latest_at=after.latest_at) != after:
        yield after.fact(changed, after.latest_at)
