"""Reading facts by a cursor that misses nothing, whatever commits late and however many share a moment."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64Error
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from foundation import bulk, sql
from foundation.errors import DomainError

READING_MARK = sql.load("outbox/reading_mark")
READ_FACTS = sql.load("outbox/read_facts").format(mark=READING_MARK)
READ_FACTS_OF_CLIENTS = sql.load("outbox/read_facts_of_clients").format(mark=READING_MARK)
FACTS_DROPPED_AFTER = sql.load("outbox/facts_dropped_after")

MOST_AT_ONCE = 10_000


class InvalidCursorError(DomainError):
    """A cursor that none of our answers gave."""

    code = "invalid_cursor"


class CursorTooOldError(DomainError):
    """Facts after the cursor are no longer kept."""

    code = "cursor_too_old"


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

    def _id(self, sequence: int) -> str:
        return f"{self.client_id or 0}/{self.subject}/{sequence}"


@dataclass(frozen=True, slots=True)
class Position:
    """A place in the order of the facts: transaction, then the number of the row."""

    txid: int
    number: int

    @classmethod
    def of_cursor(cls, cursor: str) -> "Position":
        """Raises InvalidCursorError."""
        try:
            txid, number = urlsafe_b64decode(cursor.encode("ascii")).decode("ascii").split(":")
            position = cls(int(txid), int(number))
        except (ValueError, NotBase64Error):
            position = None
        if position is None or position.cursor != cursor or not position.is_possible:
            raise InvalidCursorError("This is no cursor: use the one that an answer gave, unchanged.")
        return position

    @property
    def cursor(self) -> str:
        return urlsafe_b64encode(f"{self.txid}:{self.number}".encode("ascii")).decode("ascii")

    @property
    def is_possible(self) -> bool:
        """PostgreSQL's own range: 64 bits without a sign, and with one."""
        return 0 <= self.txid < 2**63 and 0 <= self.number < 2**63


BEGINNING = Position(0, 0)


@dataclass(frozen=True, slots=True)
class Page:
    """facts: in order. cursor: to go on from. more: whether further ones were there when this was read."""

    facts: list[PublishedFact]
    cursor: str
    more: bool


def read_after(*, cursor: str | None, limit: int, client_ids: Collection[int] | Literal["all"]) -> Page:
    """The next facts after the cursor, or from the beginning of what is kept; at most `limit` of them.

    client_ids: whose facts; "all" also gives those that are for staff alone. A fact of a transaction that others which
    began earlier still run beside comes later, so that nothing ever comes before what was read. Facts of a stream come
    in the order of their sequence. Raises InvalidCursorError, and CursorTooOldError where facts after the cursor are
    no longer kept.
    """
    if not 1 <= limit <= MOST_AT_ONCE:
        raise ValueError(f"limit is {limit}, not from 1 to {MOST_AT_ONCE:,}")
    after = BEGINNING if cursor is None else Position.of_cursor(cursor)
    parameters: dict[str, Any] = {"txid": after.txid, "number": after.number, "limit": limit + 1}
    if client_ids == "all":
        found = bulk.fetch_rows(READ_FACTS, parameters, PublishedFact)
    else:
        ids = {"client_ids": sorted(set(client_ids))}
        found = bulk.fetch_rows(READ_FACTS_OF_CLIENTS, parameters | ids, PublishedFact)
    if cursor is not None:
        # After the reading: a month that is dropped between the two must not be missed.
        _require_kept(after)
    facts = found[:limit]
    reached = Position(facts[-1].txid, facts[-1].number) if facts else after
    return Page(facts, reached.cursor, more=len(found) > limit)


def _require_kept(after: Position) -> None:
    [dropped] = bulk.fetch_values(FACTS_DROPPED_AFTER, {"txid": after.txid, "number": after.number})
    if dropped:
        raise CursorTooOldError(
            "Facts after this cursor are no longer kept. Read what there is now, and begin again without a cursor."
        )
