"""Monthly partitions of a table: made ahead, listed, and dropped.

The table itself is made by a migration, `PARTITION BY RANGE` of a time, with a default partition `<table>_default`
that takes what no month is there for. Months are those of UTC; a partition is named `<table>_2026_02`.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from django.db import connection, models, transaction
from psycopg import sql

from foundation import bulk

MONTHS_BACK = 1
MONTHS_AHEAD = 3
LOCK_TIMEOUT = "5s"

PARTITIONS = """
SELECT
    child.relname AS name,
    pg_total_relation_size(child.oid) AS size_bytes,
    greatest(child.reltuples, 0)::bigint AS rows_estimated
FROM pg_inherits
JOIN pg_class AS child ON child.oid = pg_inherits.inhrelid
WHERE pg_inherits.inhparent = %(table)s::regclass
ORDER BY child.relname
"""
# The last month that Python knows has no end that it knows, and stays in the default partition.
MONTHS_IN_DEFAULT = """
SELECT DISTINCT date_trunc('month', {column}, 'UTC') FROM {default} WHERE {column} < '9999-12-01Z' ORDER BY 1
"""
MAKE_PARTITION = """
CREATE TABLE {partition} (LIKE {table} INCLUDING DEFAULTS INCLUDING CONSTRAINTS);
WITH moved AS (
    DELETE FROM {default} WHERE {column} >= {since} AND {column} < {until} RETURNING *
)
INSERT INTO {partition} SELECT * FROM moved;
ALTER TABLE {table} ATTACH PARTITION {partition} FOR VALUES FROM ({since}) TO ({until});
"""


@dataclass(frozen=True, slots=True)
class Partition:
    """A partition as PostgreSQL has it; rows as of its last ANALYZE."""

    name: str
    size_bytes: int
    rows_estimated: int


@dataclass(frozen=True, slots=True)
class MonthlyPartitions:
    """The partitions of a model's table. by: the column of the time that decides a row's month."""

    model: type[models.Model]
    by: str

    @property
    def table(self) -> str:
        return self.model._meta.db_table

    @property
    def default(self) -> str:
        """The name of the partition of all that no month is there for."""
        return f"{self.table}_default"

    def name_of(self, month: datetime) -> str:
        return f"{self.table}_{month:%Y_%m}"

    def month_of(self, partition: str) -> datetime | None:
        """The first moment of a partition's month; None for the default partition."""
        if partition == self.default:
            return None
        return datetime.strptime(partition.removeprefix(f"{self.table}_"), "%Y_%m").replace(tzinfo=UTC)

    def existing(self) -> list[Partition]:
        """All of them by name, the default one last."""
        return bulk.fetch_rows(PARTITIONS, {"table": self.table}, Partition)

    def ensure(self, *, now: datetime) -> list[str]:
        """Make the partitions from last month to three months ahead, and those of months that the default one holds.

        Rows that are in the default partition move. Returns the names of the new ones. Each is made in a transaction
        of its own; raises `OperationalError` if the table can't be locked within 5 s, and the next call goes on from
        there.
        """
        this_month = now.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        wanted = {months_later(this_month, offset) for offset in range(-MONTHS_BACK, MONTHS_AHEAD + 1)}
        wanted |= set(self._months_in_default())
        existing = {partition.name for partition in self.existing()}
        missing = [month for month in sorted(wanted) if self.name_of(month) not in existing]
        for month in missing:
            self._make(month)
        return [self.name_of(month) for month in missing]

    def drop(self, month: datetime) -> None:
        """Drop the month's partition with its rows. Raises `OperationalError` if it can't be locked within 5 s."""
        statement = sql.SQL("DROP TABLE IF EXISTS {}").format(sql.Identifier(self.name_of(month)))
        self._execute(statement)

    def _months_in_default(self) -> list[datetime]:
        statement = sql.SQL(MONTHS_IN_DEFAULT).format(
            column=sql.Identifier(self.by), default=sql.Identifier(self.default)
        )
        return [month.astimezone(UTC) for month in bulk.fetch_values(statement, {})]

    def _make(self, month: datetime) -> None:
        self._execute(
            sql.SQL(MAKE_PARTITION).format(
                partition=sql.Identifier(self.name_of(month)),
                table=sql.Identifier(self.table),
                default=sql.Identifier(self.default),
                column=sql.Identifier(self.by),
                since=sql.Literal(month.isoformat()),
                until=sql.Literal(months_later(month, 1).isoformat()),
            )
        )

    def _execute(self, statement: sql.Composed) -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'")
            cursor.execute(statement)


def months_later(month: datetime, months: int) -> datetime:
    """The first moment of the month that is `months` after `month`, itself the first moment of one."""
    years, zero_based = divmod(month.month - 1 + months, 12)
    return month.replace(year=month.year + years, month=zero_based + 1)
