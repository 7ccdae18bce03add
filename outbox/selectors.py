"""Reading facts, and which rows changed, by a cursor that misses nothing (`foundation.following`)."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from foundation import bulk, following, sql
from foundation.following import BEGINNING, CursorTooOldError, InvalidCursorError, Position
from outbox.models import ChangedRow

__all__ = [
    "BEGINNING",
    "ChangedRows",
    "CursorTooOldError",
    "InvalidCursorError",
    "Page",
    "Position",
    "PublishedFact",
    "read_after",
    "read_changed_rows",
]

READ_FACTS = sql.load("outbox/read_facts")
READ_FACTS_OF_CLIENTS = sql.load("outbox/read_facts_of_clients")
FACTS_DROPPED_AFTER = sql.load("outbox/facts_dropped_after")
READ_CHANGED_ROWS = sql.load("outbox/read_changed_rows")
READ_CHANGED_ROWS_OF_CLIENTS = sql.load("outbox/read_changed_rows_of_clients")

MOST_AT_ONCE = 10_000


@dataclass(frozen=True, slots=True)
class PublishedFact:
    """A fact as it is told. `sequence` counts a subject's facts for a client, without a gap."""

    txid: int
    number: int
    type: str
    subject: str
    client_id: int | None
    sequence: int
    occurred_at: datetime
    recorded_at: datetime
    data: dict[str, Any]

    @property
    def id(self) -> str:
        """The fact's own for ever; whoever gets a fact twice knows it by this."""
        return self._id(self.sequence)

    @property
    def previous_id(self) -> str | None:
        """The fact before of the subject; who has not got that one has missed it. None for the first."""
        return self._id(self.sequence - 1) if self.sequence > 1 else None

    @property
    def tracker_id(self) -> int | None:
        """Of the tracker that it tells of, if it tells of one."""
        kind, _, of_subject = self.subject.partition("/")
        return int(of_subject) if kind == "tracker" else self.data.get("tracker")

    def _id(self, sequence: int) -> str:
        return f"{self.client_id or 0}/{self.subject}/{sequence}"


@dataclass(frozen=True, slots=True)
class Page:
    """facts: in order. cursor: to go on from. more: whether further ones were there when this was read.

    reached: also to go on from, and beyond what others wrote where there was no more. So a reader for whom nothing
    happens for long does not fall behind the months that are dropped.
    """

    facts: list[PublishedFact]
    cursor: str
    more: bool
    reached: Position = field(compare=False)


@dataclass(frozen=True, slots=True)
class ChangedRows:
    """ids: of the rows that changed, in order, each once. reached: to go on from. more: whether further ones were
    there when this was read."""

    ids: list[int]
    reached: Position
    more: bool


def read_after(*, cursor: str | None, limit: int, client_ids: Collection[int] | Literal["all"]) -> Page:
    """The next facts after the cursor, or from the beginning of what is kept; at most `limit` of them.

    client_ids: whose facts; "all" also gives those that are for staff alone. A fact of a transaction that others which
    began earlier still run beside comes later, so that nothing ever comes before what was read. Facts of a stream come
    in the order of their sequence. Raises InvalidCursorError, and CursorTooOldError where facts after the cursor are
    no longer kept.
    """
    after = BEGINNING if cursor is None else Position.of_cursor(cursor)
    mark, parameters = _reading(after, limit)
    if client_ids == "all":
        found = bulk.fetch_rows(READ_FACTS, parameters, PublishedFact)
    else:
        ids = {"client_ids": sorted(set(client_ids))}
        found = bulk.fetch_rows(READ_FACTS_OF_CLIENTS, parameters | ids, PublishedFact)
    if cursor is not None:
        # After the reading: a month that is dropped between the two must not be missed.
        _require_kept(after)
    facts = found[:limit]
    last = Position(facts[-1].txid, facts[-1].number) if facts else after
    more = len(found) > limit
    return Page(facts, last.cursor, more, reached=last if more else mark.reached_from(last))


def read_changed_rows(
    kind: ChangedRow.Kind, *, after: Position, limit: int, client_ids: Collection[int] | Literal["all"]
) -> ChangedRows:
    """The rows of a kind whose latest change comes next after the position; at most `limit` of them.

    client_ids: who is told; "all" gives every row. A row that changes again comes again. Raises CursorTooOldError for
    a position that this database has not come to.
    """
    mark, parameters = _reading(after, limit)
    parameters["kind"] = kind.value
    if client_ids == "all":
        found = bulk.fetch_rows(READ_CHANGED_ROWS, parameters, Position)
    else:
        ids = {"client_ids": sorted(set(client_ids))}
        found = bulk.fetch_rows(READ_CHANGED_ROWS_OF_CLIENTS, parameters | ids, Position)
    page, more = found[:limit], len(found) > limit
    reached = page[-1] if more else mark.reached_from(after)
    return ChangedRows([place.number for place in page], reached, more)


def _reading(after: Position, limit: int) -> tuple[following.ReadingMark, dict[str, Any]]:
    if not 1 <= limit <= MOST_AT_ONCE:
        raise ValueError(f"limit is {limit}, not from 1 to {MOST_AT_ONCE:,}")
    mark = following.reading_mark()
    mark.require_given(after)
    parameters = {"txid": after.txid, "number": after.number, "limit": limit + 1, "below": mark.below}
    return mark, parameters


def _require_kept(after: Position) -> None:
    [dropped] = bulk.fetch_values(FACTS_DROPPED_AFTER, {"txid": after.txid, "number": after.number})
    if dropped:
        raise CursorTooOldError(
            "Facts after this cursor are no longer kept. Read what there is now, and begin again without a cursor."
        )
