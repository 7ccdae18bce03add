"""Bulk SQL on Django's connection: arrays bound by the server in binary, and COPY.

Django's own cursor interpolates parameters into the text of the query, which for arrays of ten thousand values costs
more than the query itself. Placeholders of arrays are written `%(name)b::type[]`: with `b` they travel in binary,
which takes psycopg a tenth to a hundredth of the time that text takes.
"""

from __future__ import annotations

import inspect
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any, TypeVar

import psycopg
from django.db import connection
from psycopg import pq, sql
from psycopg.rows import RowFactory, RowMaker, scalar_row, tuple_row

Row = TypeVar("Row")
Query = str | sql.Composed


@contextmanager
def bulk_cursor() -> Iterator[psycopg.Cursor[tuple[Any, ...]]]:
    """A cursor in the current transaction whose errors are Django's (`django.db.Error` and below)."""
    with _cursor(tuple_row) as cursor:
        yield cursor


@contextmanager
def _cursor(row_factory: RowFactory[Row]) -> Iterator[psycopg.Cursor[Row]]:
    connection.ensure_connection()
    if connection.execute_wrappers:
        _bring_audit_context()
    with (
        connection.wrap_database_errors,
        psycopg.Cursor(connection.connection, row_factory=row_factory) as cursor,
    ):
        cursor.format = pq.Format.BINARY
        yield cursor


def _bring_audit_context() -> None:
    """Who acts travels with a statement on Django's own cursor (`foundation.audit`), and stays for the transaction."""
    with connection.cursor() as cursor:
        cursor.execute("VALUES (1)")


def fetch_rows(
    query: Query, parameters: dict[str, Any], row_type: type[Row], *, prepare: bool | None = None
) -> list[Row]:
    """All rows of `query`, whose placeholders are named, each as a `row_type`: a dataclass or named tuple.

    The query's columns are named after the type's fields; a field with a default may be left out. Columns in the
    order of the fields cost least: nothing is looked up for each row then. Raises TypeError for a column that is no
    field, and for a field that has neither a column nor a default. With `prepare=False` the query is planned for
    these very values each time; otherwise, after a few times, once for all.
    """
    return _fetch(query, parameters, _rows_of(row_type), prepare)


def fetch_groups(
    query: Query, parameters: dict[str, Any], row_type: type[Row], *, prepare: bool | None = None
) -> defaultdict[Any, list[Row]]:
    """The rows of `query` by the value of their first column, in their order; the other columns are the fields of a
    `row_type`, see `fetch_rows`. A key without rows has an empty list."""
    groups: defaultdict[Any, list[Row]] = defaultdict(list)
    for key, row in _fetch(query, parameters, _keyed_rows_of(row_type), prepare):
        groups[key].append(row)
    return groups


def fetch_values(query: Query, parameters: dict[str, Any], *, prepare: bool | None = None) -> list[Any]:
    """The first column of all rows of `query`, see `fetch_rows`."""
    return _fetch(query, parameters, scalar_row, prepare)


def fetch_all(
    query: Query, parameters: dict[str, Any], *, prepare: bool | None = None
) -> list[tuple[Any, ...]]:
    """All rows of `query` as tuples: for pairs, and where tens of thousands of rows are read in a hot path. Elsewhere
    rows are read by name, see `fetch_rows`."""
    return _fetch(query, parameters, tuple_row, prepare)


def _fetch(
    query: Query, parameters: dict[str, Any], row_factory: RowFactory[Row], prepare: bool | None
) -> list[Row]:
    with _cursor(row_factory) as cursor:
        return cursor.execute(query, parameters, prepare=prepare).fetchall()


def _rows_of(row_type: Callable[..., Row]) -> RowFactory[Row]:
    """As psycopg's `class_row`, but names are compared once for each query instead of being passed with each row."""

    def maker(cursor: psycopg.Cursor[Any]) -> RowMaker[Row]:
        return row_maker(row_type, [column.name for column in cursor.description or ()])

    return maker


def _keyed_rows_of(row_type: Callable[..., Row]) -> RowFactory[tuple[Any, Row]]:
    """A row's first value, and a `row_type` of the others."""

    def maker(cursor: psycopg.Cursor[Any]) -> RowMaker[tuple[Any, Row]]:
        _, *names = [column.name for column in cursor.description or ()]
        make = row_maker(row_type, names)
        return lambda values: (values[0], make(values[1:]))

    return maker


def row_maker(row_type: Callable[..., Row], names: Sequence[str]) -> Callable[[Sequence[Any]], Row]:
    """What makes a `row_type` of a row of the columns with these names, see `fetch_rows`; without columns, for a
    statement that gives no rows, it is never called."""
    fields, required = _fields(row_type)
    repeated = {name for name in names if names.count(name) > 1}
    wrong = (set(names) - set(fields)) | (required - set(names)) | repeated
    if names and wrong:
        name = getattr(row_type, "__name__", row_type)
        raise TypeError(f"{name} and the query's columns differ: {', '.join(sorted(wrong))}")
    if tuple(names) != fields[: len(names)]:
        return lambda values: row_type(**dict(zip(names, values, strict=True)))
    return lambda values: row_type(*values)


@cache
def _fields(row_type: Callable[..., Any]) -> tuple[tuple[str, ...], frozenset[str]]:
    """The names of what `row_type` is made of, in order, and those without a default."""
    parameters = inspect.signature(row_type).parameters
    return tuple(parameters), frozenset(
        name for name, parameter in parameters.items() if parameter.default is parameter.empty
    )


def execute(query: str, parameters: dict[str, Any]) -> int:
    """Run `query` and return the number of rows that it touched."""
    with bulk_cursor() as cursor:
        return cursor.execute(query, parameters).rowcount


def copy_rows(table: str, columns: dict[str, str], rows: Iterable[Sequence[Any]]) -> None:
    """COPY `rows` into `table`; `columns` maps each column to its PostgreSQL type, in the order of the values."""
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)").format(
        sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, columns))
    )
    with bulk_cursor() as cursor, cursor.copy(statement) as copy:
        copy.set_types(list(columns.values()))
        for row in rows:
            copy.write_row(row)


def transposed(rows: Sequence[Sequence[Any]], names: Sequence[str]) -> dict[str, list[Any]]:
    """Rows as one array per name, for `unnest`; empty arrays where there are no rows."""
    columns = zip(*rows, strict=True) if rows else ((),) * len(names)
    return {name: list(column) for name, column in zip(names, columns, strict=True)}
