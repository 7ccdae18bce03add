"""What the database is asked: few questions, whose number does not grow, and each served by an index."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests import factories, plans
from tests.personas import make_period, make_report, make_tenant
from trackers.models import Tracker
from trackers.services import partitioning

MAC = "A1:A1:A1:00:00:01"
TRACKERS = 60
ROWS_PER_TRACKER = 400
# Every hour, back from now, under the assignment of each tracker; each row of the history lasts an hour.
FILL = {
    "reports": """
        INSERT INTO trackers_locationreport
            (tracker_id, seen_at, fingerprint, position, accuracy_m, battery, source, received_at)
        SELECT a.tracker_id, %(now)s - n * interval '1 hour' - interval '1 second', decode(md5(n::text), 'hex'),
               ST_Point(5, 50)::geography, 20, '', 'FIND_MY', %(now)s
        FROM trackers_assignment a, generate_series(0, %(rows)s - 1) n""",
    "history": """
        INSERT INTO trackers_statuschange
            (tracker_id, assignment_id, status, started_at, ended_at, fingerprint, recorded_at)
        SELECT a.tracker_id, a.id, 'IN_TRANSIT', %(now)s - (n + 4) * interval '1 hour',
               %(now)s - (n + 3) * interval '1 hour', decode(md5(n::text), 'hex'), %(now)s
        FROM trackers_assignment a, generate_series(0, %(rows)s - 1) n""",
    "events": """
        INSERT INTO trackers_geofenceevent
            (tracker_id, assignment_id, type, occurred_at, fingerprint, recorded_at)
        SELECT a.tracker_id, a.id, 'TRANSIT', %(now)s - n * interval '1 hour' - interval '1 second',
               decode(md5(n::text), 'hex'), %(now)s
        FROM trackers_assignment a, generate_series(0, %(rows)s - 1) n""",
}
INDEXES = {
    "reports": r"trackers_locationreport_\w+pkey",
    "events": "event_one_of_a_type_per_report",
    "history": "status_change_of_tracker|trackers_statuschange_assignment_id_.*",
}
TABLES = {
    "reports": "trackers_locationreport",
    "events": "trackers_geofenceevent",
    "history": "trackers_statuschange",
}


@pytest.fixture
def many_trackers(world, planner):
    for tenant in (world.alpha, world.beta):
        for _ in range(TRACKERS // 2):
            factories.AssignmentFactory(run=tenant.run, start=world.now - timedelta(days=60))
    return world


def fill(world, series: str) -> None:
    """Each tracker gets a long series, reports in monthly partitions, and the planner knows it."""
    partitioning.REPORTS.ensure(now=world.now)
    with connection.cursor() as cursor:
        cursor.execute(FILL[series], {"now": world.now, "rows": ROWS_PER_TRACKER})
    plans.analyze()


def explain(client, path: str) -> list[dict]:
    """The plan of the request's last query, which reads the rows."""
    with CaptureQueriesContext(
        connection,
    ) as queries:
        response = client.get(f"/api/v1/{path}")
    assert response.status_code == 200, response.content
    assert response.json()["results"], "the plan of an empty answer proves nothing"
    return plans.explain(queries[-1]["sql"].replace("%", "%%"), [])


def assert_index_serves(plan: list[dict], series: str) -> None:
    """Empty partitions may be read as the planner likes."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT DISTINCT tableoid::regclass::text FROM {TABLES[series]}")  # noqa: S608
        filled = {row[0] for row in cursor.fetchall()}
    scans = [node for node in plans.scans(plan, TABLES[series]) if node["Relation Name"] in filled]
    assert scans
    for scan in scans:
        assert scan["Node Type"] in plans.BY_INDEX, scan
    used = plans.indexes(plan)
    assert any(re.fullmatch(INDEXES[series], index) for index in used), used


@pytest.mark.parametrize("series", FILL)
def test_time_series_of_a_tracker_is_read_by_its_index(many_trackers, as_persona, series):
    fill(many_trackers, series)
    for client in (as_persona("viewer"), as_persona("staff")):
        for path in (f"{series}/?tracker={MAC}&page_size=10", f"trackers/{MAC}/{series}/?page_size=10"):
            assert_index_serves(explain(client, path), series)
            following = client.get(f"/api/v1/{path}").json()["next"].split("/api/v1/")[1]
            plan = explain(client, following)
            assert_index_serves(plan, series)
            assert "_at <= " in str([node.get("Index Cond") for node in plan])


@pytest.mark.parametrize("series", FILL)
def test_page_is_read_in_index_order(many_trackers, as_persona, series):
    """Only as many rows as the page has are read: nothing sorts the whole series."""
    fill(many_trackers, series)
    plan = explain(as_persona("staff"), f"{series}/?tracker={MAC}&page_size=10")
    assert "Sort" not in {node["Node Type"] for node in plan}
    for scan in plans.scans(plan, TABLES[series]):
        assert (scan["Node Type"], scan["Scan Direction"]) == ("Index Scan", "Backward")


@pytest.mark.parametrize("series", FILL)
def test_window_of_many_trackers_is_read_tracker_by_tracker(many_trackers, as_persona, series):
    fill(many_trackers, series)
    since = f"since={many_trackers.now - timedelta(hours=3):%Y-%m-%dT%H:%M:%SZ}"
    assert_index_serves(explain(as_persona("viewer"), f"{series}/?{since}"), series)
    named = f"{series}/?{since}&run={many_trackers.alpha.run.pk}"
    assert_index_serves(explain(as_persona("staff"), named), series)


def test_crossings_at_a_location_are_read_by_location(many_trackers, as_persona):
    fill(many_trackers, "events")
    plan = explain(as_persona("staff"), f"events/?location={many_trackers.alpha.location.pk}&type=ENTRY")
    assert "event_crossing_at_location" in plans.indexes(plan)


def more_of_everything(world) -> None:
    tenant = make_tenant("Gamma", mac="C5:C5:C5:00:00:05", latitude=33.0, now=world.now)
    for hours in range(5, 9):
        moment = world.now - timedelta(hours=hours)
        make_report(world.alpha.assignment, moment + timedelta(minutes=1))
        make_period(
            world.alpha.assignment, world.alpha.location, since=moment, until=moment + timedelta(minutes=30)
        )
    world.alpha.location.runs.add(tenant.run)


@pytest.mark.parametrize(
    ("path", "queries"),
    [
        ("me/", 1),
        ("clients/", 2),
        ("brands/", 2),
        ("runs/", 2),
        ("locations/", 3),
        ("locations.geojson", 1),
        ("trackers/", 2),
        (f"trackers/{MAC}/", 1),
        ("trackers.geojson", 1),
        (f"trackers/{MAC}/track.geojson", 2),
        (f"trackers/{MAC}/reports/", 2),
        (f"trackers/{MAC}/events/", 2),
        (f"trackers/{MAC}/history/", 2),
        (f"reports/?tracker={MAC}", 1),
        (f"events/?tracker={MAC}", 1),
        (f"history/?tracker={MAC}", 1),
        ("orders/", 2),
        ("alerts/", 2),
        ("changes/", 1),
        ("trackers/?changed_after=0", 1),
        ("orders/?changed_after=0", 1),
        ("locations/?changed_after=0", 2),
        ("alerts/?changed_after=0", 1),
    ],
)
def test_number_of_queries_does_not_grow_with_the_rows(
    world, as_persona, django_assert_num_queries, path, queries
):
    staff = as_persona("staff")
    with_token = 2
    with django_assert_num_queries(queries + with_token):
        assert staff.get(f"/api/v1/{path}").status_code == 200
    more_of_everything(world)
    with django_assert_num_queries(queries + with_token):
        assert staff.get(f"/api/v1/{path}").status_code == 200


def test_map_of_many_trackers_is_one_query(world, as_persona, django_assert_num_queries):
    Tracker.objects.bulk_create(
        Tracker(
            mac=factories.make_mac(0x900000 + number),
            last_position="POINT(5 50)",
            latest_assignment=world.alpha.assignment,
        )
        for number in range(1000)
    )
    viewer = as_persona("viewer")
    with django_assert_num_queries(3):
        assert len(viewer.get("/api/v1/trackers.geojson").json()["features"]) == 1001
