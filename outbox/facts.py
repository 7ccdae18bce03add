"""What a fact is: the kinds of them that are told, and the values that are handed in."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any


class FactType(StrEnum):
    """What happened, to what kind of subject: the word before the dot is the subject's kind.

    A retraction takes back an earlier fact of the same subject, which its data identify.
    """

    TRACKER_ENTERED = "tracker.entered"
    TRACKER_ENTRY_RETRACTED = "tracker.entry_retracted"
    TRACKER_EXITED = "tracker.exited"
    TRACKER_EXIT_RETRACTED = "tracker.exit_retracted"
    TRACKER_STATUS_CHANGED = "tracker.status_changed"
    TRACKER_STATUS_CHANGE_RETRACTED = "tracker.status_change_retracted"
    ALERT_BEGAN = "alert.began"
    ALERT_CHANGED = "alert.changed"
    ALERT_ENDED = "alert.ended"
    ALERT_RETRACTED = "alert.retracted"
    SITE_OUTAGE_BEGAN = "site_outage.began"
    SITE_OUTAGE_CHANGED = "site_outage.changed"
    SITE_OUTAGE_ENDED = "site_outage.ended"
    ORDER_MOVED = "order.moved"
    RUN_CHANGED = "run.changed"
    LOCATION_CHANGED = "location.changed"
    CLIENT_CHANGED = "client.changed"
    BRAND_CHANGED = "brand.changed"
    MEMBERSHIP_CHANGED = "membership.changed"
    MEMBERSHIP_ENDED = "membership.ended"

    @property
    def subject_kind(self) -> str:
        return self.value.partition(".")[0]

    @property
    def label(self) -> str:
        """In words: "Tracker status changed"."""
        return self.value.replace(".", " ").replace("_", " ").capitalize()


@dataclass(frozen=True, slots=True, kw_only=True)
class NewFact:
    """A fact to be published.

    subject_id: the id of what it is about; the type says of which kind that is. client_id: who is told; None for staff
    alone. occurred_at: when it happened, which may be long before it is recorded. data: what JSON can say, and times,
    which become ISO 8601 in UTC.
    """

    type: FactType
    subject_id: int | str
    client_id: int | None
    occurred_at: datetime
    data: Mapping[str, Any] = field(default_factory=dict)

    @property
    def subject(self) -> str:
        """Kind and id: `tracker/123`."""
        return f"{self.type.subject_kind}/{self.subject_id}"

    @property
    def data_as_json(self) -> str:
        """Raises TypeError or ValueError for what JSON can't say."""
        return json.dumps(dict(self.data), default=_moment, ensure_ascii=False, allow_nan=False)


def _moment(value: object) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"{value!r} can't be said in a fact's data.")
