"""Monthly partitions of LocationReport."""

from datetime import UTC, datetime
from typing import NamedTuple

from django.db import connection, transaction
from psycopg import sql

from foundation import bulk
from trackers.models import LocationReport

TABLE = LocationReport._meta.db_table
DEFAULT_PARTITION = f"{TABLE}_default"
MONTHS_BACK = 1
MONTHS_AHEAD = 3
LOCK_TIMEOUT = "5s"

PARTITIONS = """
SELECT child.relname, pg_total_relation_size(child.oid), greatest(child.reltuples, 0)::bigint
FROM pg_inherits
JOIN pg_class AS child ON child.oid = pg_inherits.inhrelid
WHERE pg_inherits.inhparent = %(table)s::regclass
ORDER BY child.relname
"""
# The last month that Python knows has no end that it knows, and stays in the default partition.
MONTHS_IN_DEFAULT = f"""
SELECT DISTINCT date_trunc('month', seen_at, 'UTC') FROM {DEFAULT_PARTITION} WHERE seen_at < '9999-12-01Z' ORDER BY 1
"""  # noqa: S608
MAKE_PARTITION = """
CREATE TABLE {partition} (LIKE {table} INCLUDING DEFAULTS INCLUDING CONSTRAINTS);
WITH moved AS (
    DELETE FROM {default} WHERE seen_at >= {since} AND seen_at < {until} RETURNING *
)
INSERT INTO {partition} SELECT * FROM moved;
ALTER TABLE {table} ATTACH PARTITION {partition} FOR VALUES FROM ({since}) TO ({until});
"""


class Partition(NamedTuple):
    name: str
    size_bytes: int
    rows_estimated: int


def list_partitions() -> list[Partition]:
    return [Partition._make(row) for row in bulk.fetch_all(PARTITIONS, {"table": TABLE})]


def ensure_partitions(*, now: datetime) -> list[str]:
    """Make the partitions from last month to three months ahead, and those of months that the default one holds.

    Rows that are in the default partition move. Returns the names of the new ones. Each is made in a transaction of
    its own; raises `OperationalError` if the table can't be locked within 5 s, and the next call goes on from there.
    """
    this_month = now.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    wanted = {months_later(this_month, offset) for offset in range(-MONTHS_BACK, MONTHS_AHEAD + 1)}
    wanted |= {row[0].astimezone(UTC) for row in bulk.fetch_all(MONTHS_IN_DEFAULT, {})}
    existing = {partition.name for partition in list_partitions()}
    missing = [month for month in sorted(wanted) if _name(month) not in existing]
    for month in missing:
        _make_partition(month)
    return [_name(month) for month in missing]


def _make_partition(month: datetime) -> None:
    statement = sql.SQL(MAKE_PARTITION).format(
        partition=sql.Identifier(_name(month)),
        table=sql.Identifier(TABLE),
        default=sql.Identifier(DEFAULT_PARTITION),
        since=sql.Literal(month.isoformat()),
        until=sql.Literal(months_later(month, 1).isoformat()),
    )
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'")
        cursor.execute(statement)


def drop_partition(month: datetime) -> None:
    """Drop the month's partition with all that is in it. Raises `OperationalError` if it can't be had within 5 s."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'")
        cursor.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(sql.Identifier(_name(month))))


def month_of(partition: str) -> datetime | None:
    """The first moment of a partition's month; None for the default partition."""
    if partition == DEFAULT_PARTITION:
        return None
    return datetime.strptime(partition.removeprefix(f"{TABLE}_"), "%Y_%m").replace(tzinfo=UTC)


def _name(month: datetime) -> str:
    return f"{TABLE}_{month:%Y_%m}"


def months_later(month: datetime, months: int) -> datetime:
    """The first moment of the month so many months after that of `month`, which is one itself."""
    years, zero_based = divmod(month.month - 1 + months, 12)
    return month.replace(year=month.year + years, month=zero_based + 1)
