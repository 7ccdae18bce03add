"""A fleet with a history, filled in by SQL, and how long its status periods, dwell times and pages take to be read."""

import math
import statistics
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.core.cache import cache
from django.db import connection
from django.test import Client as Browser
from django.urls import reverse

from clients.models import Client, ProductionRun, User
from locations.models import Location
from simulation.bench.measures import timed
from simulation.bench.places import ensure_gazetteer
from trackers.analytics import deliveries, scopes, status_periods
from trackers.models import AlertWatch, Assignment
from trackers.services import alerts, history, partitioning

CLIENTS = 20
RUNS_PER_CLIENT = 5
LOCATIONS_PER_RUN = 20
PERIODS_PER_TRACKER = 8
DAYS = 60
MONTH = timedelta(days=30)
ROUNDS = 3
EVALUATIONS = 2_000
REPORTS_AT_ONCE = 20

# In the order in which they are filled. The audit of all these rows would take longer than they do.
FILL = (
    (
        "clients",
        """
        INSERT INTO clients_client (name, created_at)
        SELECT 'Client ' || n, %(now)s FROM generate_series(1, %(clients)s) AS n;
        INSERT INTO clients_brand (client_id, name) SELECT id, name FROM clients_client;
        INSERT INTO clients_productionrun (
            brand_id, name, start_date, end_date, max_accuracy_m, exit_accuracy_cap_m, entry_accuracy_factor,
            max_speed_kmh, confirmations
        )
        SELECT id, 'Run ' || n, %(since)s::date - 1, %(now)s::date + 30, 250, 100, 3, 1000, 1
        FROM clients_brand, generate_series(1, %(runs)s) AS n;
        INSERT INTO locations_location (name, kind, address, center, radius_m, created_at, updated_at, free_time_h)
        SELECT
            run.id || ' / ' || n, CASE WHEN n %% 2 = 0 THEN 'STORAGE' ELSE 'DELIVERY' END, '',
            ST_MakePoint(-5 + 30 * random(), 37 + 23 * random())::geography, 150, %(now)s, %(now)s,
            CASE WHEN n %% 2 = 0 THEN 48 END
        FROM clients_productionrun AS run, generate_series(1, %(locations)s) AS n;
        INSERT INTO locations_location_runs (location_id, productionrun_id)
        SELECT id, split_part(name, ' / ', 1)::bigint FROM locations_location""",
    ),
    (
        "trackers",
        """
        SET CONSTRAINTS ALL IMMEDIATE;
        ALTER TABLE trackers_tracker DISABLE TRIGGER USER;
        INSERT INTO trackers_tracker (
            mac, firmware, hardware_revision, state, status, battery, verified_at, created_at, updated_at
        )
        SELECT upper(regexp_replace(lpad(to_hex(n), 12, '0'), '(..)(?!$)', '\\1:', 'g')), '', '',
            'ACTIVE', 'CREATED', 'FULL', %(now)s, %(now)s, %(now)s
        FROM generate_series(1, %(trackers)s) AS n;
        ALTER TABLE trackers_tracker ENABLE TRIGGER USER;
        ALTER TABLE trackers_assignment DISABLE TRIGGER USER;
        INSERT INTO trackers_assignment (tracker_id, run_id, period)
        SELECT tracker.id, run.id, tstzrange(%(since)s, NULL, '[)')
        FROM trackers_tracker AS tracker
        JOIN (SELECT id, row_number() OVER (ORDER BY id) - 1 AS n, count(*) OVER () AS number
              FROM clients_productionrun) AS run ON run.n = tracker.id %% run.number;
        ALTER TABLE trackers_assignment ENABLE TRIGGER USER""",
    ),
    (
        "periods",
        """
        WITH place AS MATERIALIZED (
            SELECT
                linked.productionrun_id AS run_id,
                array_agg(location.id) FILTER (WHERE location.kind = 'STORAGE') AS storages,
                array_agg(location.id) FILTER (WHERE location.kind = 'DELIVERY') AS deliveries
            FROM locations_location_runs AS linked
            JOIN locations_location AS location ON location.id = linked.location_id
            GROUP BY linked.productionrun_id
        )
        INSERT INTO trackers_statuschange (
            tracker_id, assignment_id, status, location_id, started_at, ended_at, fingerprint, recorded_at
        )
        SELECT
            tracker_id, id,
            CASE WHEN n %% 2 = 1 THEN 'IN_TRANSIT' WHEN n = %(periods)s - 2 THEN 'DELIVERED' ELSE 'IN_STORAGE' END,
            CASE
                WHEN n %% 2 = 1 THEN NULL
                WHEN n = %(periods)s - 2 THEN deliveries[1 + (tracker_id * 31 + n) %% cardinality(deliveries)]
                ELSE storages[1 + (tracker_id * 31 + n) %% cardinality(storages)]
            END,
            %(since)s + (n + (tracker_id %% 97) / 100.0) * %(gap)s,
            CASE WHEN n < %(periods)s - 1 - (tracker_id %% 2)
                THEN %(since)s + (n + 1 + (tracker_id %% 97) / 100.0) * %(gap)s END,
            decode(md5(tracker_id || ' ' || n), 'hex'), %(now)s
        FROM trackers_assignment
        JOIN place USING (run_id)
        CROSS JOIN generate_series(0, %(periods)s - 1) AS n
        WHERE n < %(periods)s - (tracker_id %% 2)""",
    ),
    (
        "standing",
        """
        UPDATE trackers_tracker AS tracker
        SET latest_assignment_id = period.assignment_id, status = period.status, location_id = period.location_id,
            status_since = period.started_at, last_seen_at = %(now)s - (tracker.id %% 4000) * interval '1 minute',
            last_received_at = %(now)s
        FROM trackers_statuschange AS period
        WHERE period.tracker_id = tracker.id AND period.ended_at IS NULL;
        INSERT INTO trackers_alert (kind, tracker_id, assignment_id, began_at, latest_at, ended_at, recorded_at)
        SELECT (ARRAY['SILENT', 'BATTERY_LOW', 'LONG_STAY'])[1 + n], id, latest_assignment_id, last_seen_at,
            last_seen_at, CASE WHEN id %% 2 = 0 THEN %(now)s END, %(now)s
        FROM trackers_tracker, generate_series(0, 2) AS n
        WHERE id %% 25 = n AND last_seen_at IS NOT NULL""",
    ),
)
FILL_REPORTS = """
INSERT INTO trackers_locationreport (
    tracker_id, seen_at, fingerprint, position, accuracy_m, battery, source, received_at
)
SELECT
    id, %(since)s + (n + (id %% 89) / 100.0) * %(gap)s, decode(md5(id || ' ' || n), 'hex'),
    ST_MakePoint(5, 50)::geography, 50, 'FULL', 'FIND_MY', %(now)s
FROM trackers_tracker, generate_series(%(first)s, %(last)s) AS n
"""
FILL_ROLLUP = """
INSERT INTO {table} (
    tracker_id, bucket_at, reports, first_seen_at, last_seen_at, centroid, best_position, best_accuracy_m,
    distance_m, status, minutes_in_storage, minutes_in_transit, minutes_delivered
)
SELECT
    tracker_id, date_trunc('{unit}', seen_at, 'UTC'), count(*), min(seen_at), max(seen_at),
    ST_MakePoint(5, 50)::geography, ST_MakePoint(5, 50)::geography, 50, 0, 'IN_TRANSIT', 0, 60, 0
FROM trackers_locationreport
GROUP BY 1, 2
"""


def fill(*, trackers: int, reports: int, now: datetime) -> Iterator[str]:
    """Make a fleet of `trackers` with PERIODS_PER_TRACKER status periods and `reports` reports each, over DAYS
    days; yields what has been filled."""
    since = now - timedelta(days=DAYS)
    for days in range(0, DAYS + 31, 30):
        partitioning.REPORTS.ensure(now=now - timedelta(days=days))
    values = {
        "now": now,
        "since": since,
        "clients": CLIENTS,
        "runs": RUNS_PER_CLIENT,
        "locations": LOCATIONS_PER_RUN,
        "trackers": trackers,
        "periods": PERIODS_PER_TRACKER,
        "gap": timedelta(days=DAYS) / (PERIODS_PER_TRACKER + 1),
    }
    for name, statement in FILL:
        _execute(statement, values)
        _execute("ANALYZE", {})
        yield name
    values["gap"] = timedelta(days=DAYS) / max(reports, 1)
    for first in range(0, reports, REPORTS_AT_ONCE):
        last = min(first + REPORTS_AT_ONCE, reports) - 1
        _execute(FILL_REPORTS, values | {"first": first, "last": last})
        yield f"{(last + 1) * trackers:,} reports"
    for table, unit in (("trackers_hourlyposition", "hour"), ("trackers_dailyposition", "day")):
        _execute(FILL_ROLLUP.format(table=table, unit=unit), values)
        yield f"rollups by {unit}"
    _execute("VACUUM (ANALYZE)", {})


def measure(*, now: datetime) -> dict[str, float]:
    """Milliseconds at the 95th percentile over clients, runs and locations; and evaluations for alerts a second."""
    month = scopes.bounded(now - MONTH, now)
    mine = [_of_client(client) for client in Client.objects.order_by("pk")]
    runs = ProductionRun.objects.order_by("pk")[::5]
    figures: dict[str, list[Callable[[], Any]]] = {
        "status_periods_of_a_clients_month": [
            partial(status_periods.page_of_periods, each, month, now=now) for each in mine
        ],
        "dwell_of_a_clients_month": [
            partial(status_periods.dwell_by_location, each, month, now=now) for each in mine
        ],
        "deliveries_of_a_run": [
            partial(deliveries.journeys, Assignment.objects.filter(run=run)) for run in runs
        ],
        **{name: [partial(_get, url) for url in urls] for name, urls in _pages().items()},
    }
    p95 = {f"{name}_p95_ms": _p95_ms(works) for name, works in figures.items()}
    return p95 | {"alert_evaluations_per_s": _evaluations_per_s(now)}


def plans(*, now: datetime) -> dict[str, str]:
    """The plans, with what they really took, of the statements that were measured."""
    month = scopes.bounded(now - MONTH, now)
    mine = _of_client(Client.objects.order_by("pk")[0])
    run, place = ProductionRun.objects.order_by("pk")[0], Location.objects.order_by("pk")[0]
    works: dict[str, Callable[[], Any]] = {
        "status-periods-of-a-clients-month": partial(status_periods.page_of_periods, mine, month, now=now),
        "visits-at-a-location": partial(
            status_periods.page_of_periods, Assignment.objects.all(), month, now=now, location_id=place.pk
        ),
        "dwell-of-a-clients-month": partial(status_periods.dwell_by_location, mine, month, now=now),
        "deliveries-of-a-run": partial(deliveries.journeys, Assignment.objects.filter(run=run)),
    }
    return {name: _explained(work) for name, work in works.items()}


def _execute(statement: str, values: dict[str, Any]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


def _of_client(client: Client) -> Any:
    return Assignment.objects.filter(run__brand__client=client)


def _pages() -> dict[str, list[str]]:
    def analytics(model: str, ids: Any) -> list[str]:
        return [reverse(f"admin:{model}_analytics", args=[pk]) for pk in ids]

    return {
        "start_page": [reverse("admin:index")] * 5,
        "client_page": analytics("clients_client", Client.objects.values_list("pk", flat=True)),
        "run_page": analytics(
            "clients_productionrun", ProductionRun.objects.order_by("pk").values_list("pk", flat=True)[::5]
        ),
        "location_page": analytics(
            "locations_storagelocation",
            Location.objects.filter(kind="STORAGE").order_by("pk").values_list("pk", flat=True)[::50],
        ),
        "alert_list": [reverse("admin:trackers_alert_changelist")] * 5,
    }


_BROWSERS: list[Browser] = []


def _get(url: str) -> None:
    cache.clear()
    if not _BROWSERS:
        _BROWSERS.append(Browser(SERVER_NAME="localhost"))
        user, _ = User.objects.get_or_create(username="bench", is_staff=True, is_superuser=True)
        _BROWSERS[0].force_login(user)
    answer = _BROWSERS[0].get(url)
    if answer.status_code != 200:
        raise RuntimeError(f"{url} answered {answer.status_code}.")


def _p95_ms(works: list[Callable[[], Any]]) -> float:
    works[0]()
    times = sorted(timed(work)[0] for _ in range(ROUNDS) for work in works)
    return round(1000 * times[math.ceil(0.95 * len(times)) - 1], 1)


def _evaluations_per_s(now: datetime) -> float:
    """Each tracker with a day's worth of news, and a run that says in which countries it may be."""
    ensure_gazetteer(now)
    alerts.keep_up_countries(most=CLIENTS * RUNS_PER_CLIENT, now=now)
    AlertWatch.objects.all().delete()
    ids = Assignment.objects.order_by("tracker_id").values_list("tracker_id", flat=True)[:EVALUATIONS]
    rounds = []
    for _ in range(ROUNDS):
        history.mark_seen([(tracker_id, now - timedelta(days=1)) for tracker_id in ids], now=now)
        seconds, evaluated = timed(partial(alerts.evaluate_due, most=EVALUATIONS, now=now))
        rounds.append(evaluated / seconds)
    return round(statistics.median(rounds))


def _explained(work: Callable[[], Any]) -> str:
    found: list[str] = []

    def explain(execute: Any, sql: str, parameters: Any, many: bool, context: Any) -> Any:
        if not found:
            with context["connection"].connection.cursor() as cursor:
                cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, COSTS OFF, TIMING OFF) {sql}", parameters)
                found.append("\n".join(row[0] for row in cursor.fetchall()))
        return execute(sql, parameters, many, context)

    with connection.execute_wrapper(explain):
        work()
    return found[0]
