"""Monthly partitions of a table of any app: here one that is made for the test. What holds for reports is in
tests/trackers/test_partitioning.py."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection, models
from django.test.utils import isolate_apps

from foundation import bulk, partitions
from foundation.partitions import MonthlyPartitions
from tests.factories import NOW

TABLE = "test_fact"


@pytest.fixture
def months(db):
    with isolate_apps("foundation"):

        class Fact(models.Model):
            occurred_at = models.DateTimeField()

            class Meta:
                app_label = "foundation"
                db_table = TABLE

    with connection.cursor() as cursor:
        cursor.execute(
            f"CREATE TABLE {TABLE} (id bigint, occurred_at timestamptz, PRIMARY KEY (id, occurred_at))"
            f" PARTITION BY RANGE (occurred_at); CREATE TABLE {TABLE}_default PARTITION OF {TABLE} DEFAULT"
        )
    return MonthlyPartitions(Fact, by="occurred_at")


def write(*moments):
    for number, moment in enumerate(moments):
        bulk.execute(
            f"INSERT INTO {TABLE} VALUES (%(id)s, %(at)s)",  # noqa: S608
            {"id": number, "at": moment},
        )


def where_they_are():
    return bulk.fetch_values(f"SELECT tableoid::regclass::text FROM {TABLE} ORDER BY occurred_at", {})  # noqa: S608


def names(months):
    return [partition.name for partition in months.existing()]


def test_months_of_any_model_are_made_and_take_what_the_default_one_holds(months):
    write(datetime(2024, 2, 29, 23, 59, 59, tzinfo=UTC), NOW)
    assert where_they_are() == [f"{TABLE}_default"] * 2

    made = months.ensure(now=NOW)

    assert made == [
        f"{TABLE}_{it}" for it in ("2024_02", "2026_02", "2026_03", "2026_04", "2026_05", "2026_06")
    ]
    assert names(months) == [*made, f"{TABLE}_default"]
    assert where_they_are() == [f"{TABLE}_2024_02", f"{TABLE}_{NOW:%Y_%m}"]
    assert months.ensure(now=NOW) == []


def test_dropped_month_takes_its_rows_along_and_no_other(months):
    write(NOW - timedelta(days=31), NOW)
    months.ensure(now=NOW)
    months.drop(partitions.months_later(datetime(NOW.year, NOW.month, 1, tzinfo=UTC), -1))
    assert where_they_are() == [f"{TABLE}_{NOW:%Y_%m}"]
    months.drop(datetime(1999, 1, 1, tzinfo=UTC))


def test_name_and_month_are_each_others_reverse(months):
    month = datetime(2026, 12, 1, tzinfo=UTC)
    assert months.name_of(month) == f"{TABLE}_2026_12"
    assert months.month_of(months.name_of(month)) == month
    assert months.month_of(months.default) is None


def test_locks_are_not_waited_for_long(months, monkeypatch):
    """Two connections can't be had here, since the table is this transaction's own: the limit is read from it."""
    limits = []
    execute = MonthlyPartitions._execute

    def watched(self, statement):
        execute(self, statement)
        limits.extend(bulk.fetch_values("SHOW lock_timeout", {}))

    monkeypatch.setattr(MonthlyPartitions, "_execute", watched)
    months.ensure(now=NOW)
    assert set(limits) == {"5s"}


@pytest.mark.parametrize(
    ("month", "offset", "expected"),
    [
        ((2026, 12), 1, (2027, 1)),
        ((2026, 1), -1, (2025, 12)),
        ((2026, 3), 0, (2026, 3)),
        ((2026, 11), 14, (2028, 1)),
    ],
)
def test_months_later(month, offset, expected):
    assert partitions.months_later(datetime(*month, 1, tzinfo=UTC), offset) == datetime(
        *expected, 1, tzinfo=UTC
    )
