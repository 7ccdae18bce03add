"""Analytics of a large fleet read by index; docs/plans has the plans at 100,000 trackers."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from pytest_django import DjangoAssertNumQueries

from tests.factories import NOW
from tests.plans import nodes_of
from tests.trackers.large_fleet import LARGE, assert_by_index, fleet
from trackers.analytics import alerts, deliveries, scopes, status_periods
from trackers.models import Alert, AlertWatch, Assignment, StatusChange

__all__ = ["fleet"]

MONTH = scopes.bounded(NOW - timedelta(days=30), NOW)
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("planner")]


def explained(work: Callable[[], Any]) -> list[dict[str, Any]]:
    """The plan of the first query that reads a large table."""
    found: list[list[dict[str, Any]]] = []

    def explain(execute: Any, sql: str, parameters: Any, many: bool, context: Any) -> Any:
        if not found and any(table in sql for table in LARGE):
            with context["connection"].connection.cursor() as cursor:
                cursor.execute(f"EXPLAIN (FORMAT JSON) {sql}", parameters)
                found.append(nodes_of(cursor.fetchone()[0]))
        return execute(sql, parameters, many, context)

    with connection.execute_wrapper(explain):
        work()
    return found[0]


def test_large_fleets_are_read_by_index(fleet: None) -> None:
    mine = Assignment.objects.filter(run__brand__client=_first("clients_client"))
    everybody = Assignment.objects.all()
    depot = StatusChange.objects.filter(status="IN_STORAGE").values_list("location_id", flat=True)[0]
    run = Assignment.objects.filter(run=mine[0].run_id)
    cases: list[tuple[str, Callable[[], Any]]] = [
        ("status_change_of_tracker", lambda: status_periods.page_of_periods(mine, MONTH, now=NOW)),
        ("status_change_of_tracker", lambda: status_periods.dwell_by_location(mine, MONTH, now=NOW)),
        ("status_change_delivered", lambda: arrivals(mine)),
        (
            "status_change_at_location",
            lambda: status_periods.page_of_periods(everybody, MONTH, now=NOW, location_id=depot),
        ),
        ("status_change_of_tracker|trackers_statuschange_assignment_id_.*", lambda: deliveries.journeys(run)),
        (
            "alert_of_tracker|trackers_alert_assignment_id_.*",
            lambda: list(Alert.objects.valid().filter(tracker=mine[0].tracker_id)),
        ),
    ]
    for index, work in cases:
        assert_by_index(explained(work), index)


def test_a_locations_visits_sort_no_assignments(
    fleet: None, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    """Within IN, all of them would be sorted again for each visit."""
    depot = StatusChange.objects.filter(status="IN_STORAGE").values_list("location_id", flat=True)[0]
    with django_assert_max_num_queries(3) as queries:
        status_periods.page_of_periods(Assignment.objects.all(), MONTH, now=NOW, location_id=depot)
    [within] = [
        query["sql"].split("assignment_id IN (")[1]
        for query in queries
        if " IN (SELECT chosen" in query["sql"]
    ]
    assert "ORDER BY" not in within.split("AS chosen (id, tracker_id)")[0]


def test_open_alerts_are_counted_and_due_trackers_taken_by_index(fleet: None) -> None:
    plan = explained(lambda: alerts.open_by_kind(Alert.objects.all()))
    assert "alert_open_by_kind" in {node.get("Index Name") for node in plan}
    due = AlertWatch.objects.filter(due_at__lte=NOW).order_by("due_at")
    plan = explained(lambda: list(due.select_for_update(skip_locked=True, no_key=True)[:200]))
    assert "alert_watch_due" in {node.get("Index Name") for node in plan}


def test_a_page_reads_no_more_trackers_than_it_shows(fleet: None) -> None:
    """Nothing sorts a client's whole month: the plan stops when the page is full."""
    mine = Assignment.objects.filter(run__brand__client=_first("clients_client"))
    plan = explained(lambda: status_periods.page_of_periods(mine, MONTH, now=NOW, limit=10))
    assert "Incremental Sort" in {node["Node Type"] for node in plan}


def arrivals(assignments: Any) -> None:
    """The statement that counts them, without those that find the runs."""
    deliveries.latest_runs(assignments, 5)


def _first(table: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT min(id) FROM {table}")  # noqa: S608
        return int(cursor.fetchone()[0])
