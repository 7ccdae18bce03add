"""Months of reports: made ahead, once, and without losing what came before them."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from tests.factories import ARRIVED, NOW, AssignmentFactory, ReportFactory, TrackerFactory
from tests.trackers.reports import incoming, told
from trackers.models import LocationReport
from trackers.services.partitioning import REPORTS
from trackers.services.reports.recording import record_reports

pytestmark = pytest.mark.django_db

TABLE, DEFAULT_PARTITION = REPORTS.table, REPORTS.default
MONTHS = ["2026_02", "2026_03", "2026_04", "2026_05", "2026_06"]


def names():
    return [partition.name.removeprefix(f"{TABLE}_") for partition in REPORTS.existing()]


def count_in(partition):
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {partition}")  # noqa: S608
        return cursor.fetchone()[0]


def settle():
    """Checks of foreign keys that wait for the commit would keep a table from being changed."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def test_partitions_are_made_from_last_month_to_three_months_ahead():
    assert REPORTS.ensure(now=NOW) == [f"{TABLE}_{month}" for month in MONTHS]
    assert set(MONTHS) <= set(names())


def test_second_call_makes_nothing():
    REPORTS.ensure(now=NOW)
    before = names()
    assert REPORTS.ensure(now=NOW) == []
    assert names() == before


def test_next_month_needs_one_more():
    REPORTS.ensure(now=NOW)
    assert REPORTS.ensure(now=NOW + timedelta(days=30)) == [f"{TABLE}_2026_07"]


def test_months_are_those_of_utc():
    just_april = datetime(2026, 4, 1, 0, 30, tzinfo=UTC)
    made = REPORTS.ensure(now=just_april.astimezone(datetime.fromisoformat("2026-01-01T00:00-08:00").tzinfo))
    assert made[0] == f"{TABLE}_2026_03"


@pytest.mark.parametrize("month", [1, 12])
def test_year_turns(month):
    made = REPORTS.ensure(now=datetime(2030, month, 31, tzinfo=UTC))
    around = {1: ["2029_12", "2030_01", "2030_02", "2030_03", "2030_04"]}
    around[12] = ["2030_11", "2030_12", "2031_01", "2031_02", "2031_03"]
    assert made == [f"{TABLE}_{it}" for it in around[month]]


def test_rows_of_the_default_partition_move_to_their_months():
    moments = [
        datetime(2024, 2, 29, 23, 59, 59, 999_999, tzinfo=UTC),
        datetime(2024, 3, 1, tzinfo=UTC),
        datetime(2026, 3, 31, tzinfo=UTC),
    ]
    tracker = TrackerFactory()
    for moment in moments:
        ReportFactory(tracker=tracker, seen_at=moment)
    assert count_in(DEFAULT_PARTITION) == 3
    settle()
    made = REPORTS.ensure(now=NOW)
    assert {f"{TABLE}_2024_02", f"{TABLE}_2024_03", f"{TABLE}_2026_03"} <= set(made)
    assert count_in(DEFAULT_PARTITION) == 0
    for month in ("2024_02", "2024_03", "2026_03"):
        assert count_in(f"{TABLE}_{month}") == 1
    assert sorted(LocationReport.objects.values_list("seen_at", flat=True)) == moments


def test_report_of_the_last_month_that_python_knows_stays_where_it_is():
    """It must not keep partitions from being made, however a clock went wrong."""
    ReportFactory(seen_at=datetime(9999, 12, 31, 23, 59, tzinfo=UTC))
    settle()
    assert [name.removeprefix(f"{TABLE}_") for name in REPORTS.ensure(now=NOW)] == MONTHS
    assert count_in(DEFAULT_PARTITION) == 1


def test_new_partition_has_the_tables_key_checks_and_foreign_key():
    REPORTS.ensure(now=NOW)
    query = "SELECT contype, count(*) FROM pg_constraint WHERE conrelid = %s::regclass GROUP BY 1"
    found = []
    for partition in (DEFAULT_PARTITION, f"{TABLE}_2026_04"):
        with connection.cursor() as cursor:
            cursor.execute(query, [partition])
            found.append({kind: number for kind, number in cursor.fetchall() if kind in "pfc"})
    assert found[0] == found[1]
    assert set(found[0]) == {"p", "f", "c"}


def test_reports_are_recorded_alike_with_and_without_partitions():
    tracker = AssignmentFactory().tracker
    reports = [incoming(tracker.pk, NOW + timedelta(days=days)) for days in (-40, -20, -1, 0, 25)]
    record_reports(reports[::2], now=ARRIVED)
    settle()
    REPORTS.ensure(now=NOW)
    outcome = record_reports(reports, now=ARRIVED)
    assert (outcome.stored, outcome.duplicates) == (2, 3)
    assert [it[0] for it in told(tracker.pk)] == ["TRANSIT"] * 5


def test_size_and_rows_of_partitions_are_told():
    REPORTS.ensure(now=NOW)
    for partition in REPORTS.existing():
        assert partition.size_bytes > 0
        assert partition.rows_estimated >= 0
