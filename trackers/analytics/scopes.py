"""Whose history is read, and from when to when: assignments that the user may see, and a bounded range."""

from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any, NamedTuple, TypeVar

from django.db import connection
from django.db.models import QuerySet

from foundation import bulk
from foundation.errors import DomainError
from trackers.models import Assignment

Row = TypeVar("Row")

MAX_RANGE = timedelta(days=366)


class InvalidRangeError(DomainError):
    code = "invalid_range"
    status = HTTPStatus.BAD_REQUEST


class Range(NamedTuple):
    """From `since`, inclusive, to `until`, exclusive; made by `bounded`."""

    since: datetime
    until: datetime


def bounded(since: datetime, until: datetime) -> Range:
    """Raises InvalidRangeError for an empty range, and for one of more than MAX_RANGE."""
    if until <= since:
        raise InvalidRangeError("The range is empty: let it end after it begins.")
    if until - since > MAX_RANGE:
        raise InvalidRangeError(f"Ask for at most {MAX_RANGE.days} days at a time.")
    return Range(since, until)


def fetch_rows(
    statement: str, assignments: QuerySet[Assignment], parameters: dict[str, Any], row_type: type[Row]
) -> list[Row]:
    """The rows of one of our statements for these assignments, each as a `row_type`: see `bulk.fetch_rows`.

    The statement names them as `{assignments}`, or as `{assignments_in_order}` where it goes from one to the next and
    should go along the index by tracker. Each is a query of (id, tracker_id).
    """
    query, arguments = _by_name(assignments.order_by())
    in_order, _ = _by_name(assignments.order_by("tracker_id", "id"))
    with connection.cursor() as cursor:
        cursor.execute(
            statement.format(assignments=query, assignments_in_order=in_order), arguments | parameters
        )
        make = bulk.row_maker(row_type, [column.name for column in cursor.description or ()])
        return [make(row) for row in cursor.fetchall()]


def _by_name(assignments: QuerySet[Assignment]) -> tuple[str, dict[str, Any]]:
    """A query of (id, tracker_id), its parameters by name as in our own statements."""
    text, values = assignments.values_list("id", "tracker_id").query.sql_with_params()
    names = [f"scope_{number}" for number in range(len(values))]
    return text % tuple(f"%({name})s" for name in names), dict(zip(names, values, strict=True))
