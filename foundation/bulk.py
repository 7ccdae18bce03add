"""Bulk SQL on Django's connection: arrays bound by the server in binary, and COPY.

Django's own cursor interpolates parameters into the text of the query, which for arrays of ten thousand values costs
more than the query itself. Placeholders of arrays are written `%(name)b::type[]`: with `b` they travel in binary,
which takes psycopg a tenth to a hundredth of the time that text takes.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
from django.db import connection
from psycopg import pq, sql


@contextmanager
def bulk_cursor() -> Iterator[psycopg.Cursor[tuple[Any, ...]]]:
    """A cursor in the current transaction whose errors are Django's (`django.db.Error` and below)."""
    connection.ensure_connection()
    if connection.execute_wrappers:
        _bring_audit_context()
    with connection.wrap_database_errors, psycopg.Cursor(connection.connection) as cursor:
        cursor.format = pq.Format.BINARY
        yield cursor


def _bring_audit_context() -> None:
    """Who acts travels with a statement on Django's own cursor (`foundation.audit`), and stays for the transaction."""
    with connection.cursor() as cursor:
        cursor.execute("VALUES (1)")


def fetch_all(
    query: str, parameters: dict[str, Any], *, prepare: bool | None = None
) -> list[tuple[Any, ...]]:
    """All rows of `query`, whose placeholders are named. With `prepare=False` it is planned for these very values
    each time; otherwise, after a few times, once for all."""
    with bulk_cursor() as cursor:
        return cursor.execute(query, parameters, prepare=prepare).fetchall()


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
