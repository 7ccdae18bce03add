"""Following what is written by a cursor that misses nothing: whatever commits late, however many share a moment, and
while rows move.

What is followed carries the transaction that wrote it, an `xid8` of `pg_current_xact_id()`. It is read in the order of
(transaction, number of the row), and only below the mark under which no transaction runs any more: so nothing ever
comes before what was read.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64Error
from dataclasses import dataclass
from http import HTTPStatus

from foundation import bulk, sql
from foundation.errors import DomainError

READING_MARK = sql.load("foundation/reading_mark")
GREATEST = 2**63 - 1


class InvalidCursorError(DomainError):
    """A cursor that none of our answers gave."""

    code = "invalid_cursor"
    status = HTTPStatus.BAD_REQUEST


class CursorTooOldError(DomainError):
    """What comes after the cursor is not all there any more."""

    code = "cursor_too_old"
    status = HTTPStatus.GONE


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A place in the order: transaction, then the number of the row."""

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
        return 0 <= self.txid <= GREATEST and 0 <= self.number <= GREATEST


BEGINNING = Position(0, 0)


@dataclass(frozen=True, slots=True)
class ReadingMark:
    """below: transactions before it have all ended. ahead: no transaction has come so far."""

    below: int
    ahead: int

    def reached_from(self, after: Position) -> Position:
        """The place of a reader that has read all below the mark; it may be further than the mark already."""
        return max(after, Position(self.below - 1, GREATEST)) if self.below else after

    def require_given(self, position: Position) -> None:
        """Raises CursorTooOldError for a place that this server has not come to, so that nothing is to be read after it
        for a long time: a cursor from before the database was restored, say."""
        if position.txid >= self.ahead:
            raise CursorTooOldError(
                "This cursor is not of this database as it is now. Begin again without a cursor."
            )


def reading_mark() -> ReadingMark:
    """As it is now. What is read in later statements below it is all that will ever be there."""
    [mark] = bulk.fetch_rows(READING_MARK, {}, ReadingMark)
    return mark
