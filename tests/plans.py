"""Plans of statements under conditions that a test sets itself: neither the machine's settings nor the statistics and
the bloat of the day decide anything.

Use the fixture `planner` (tests/conftest.py) in each test that reads a plan. A statement is planned as if reading a
whole table were dear: what is read by index then has an index that serves it, and what is not has none. Statistics
are those of an ANALYZE in the test's own transaction, whose lock also keeps autovacuum away until its end.
"""

import json
from typing import Any

from django.db import connection

from foundation import bulk

CONDITIONS = {
    "enable_seqscan": "off",
    "max_parallel_workers_per_gather": "0",
    "jit": "off",
    "seq_page_cost": "1",
    "random_page_cost": "1.1",
    "cpu_tuple_cost": "0.01",
    "cpu_index_tuple_cost": "0.005",
    "cpu_operator_cost": "0.0025",
    "effective_cache_size": "4GB",
    "work_mem": "16MB",
    "default_statistics_target": "100",
}
BY_INDEX = ("Index Scan", "Index Only Scan", "Bitmap Heap Scan")


def set_conditions() -> None:
    """Until the transaction ends."""
    with connection.cursor() as cursor:
        for name, value in CONDITIONS.items():
            cursor.execute(f"SET LOCAL {name} = '{value}'")


def analyze(*tables: str) -> None:
    """Of these tables, or of all."""
    with connection.cursor() as cursor:
        cursor.execute(f"ANALYZE {', '.join(tables)}")


def explain(query: Any, parameters: Any = None) -> list[dict[str, Any]]:
    """All nodes of the plan of a statement as Django runs it."""
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (FORMAT JSON) {query}", parameters)
        return nodes_of(cursor.fetchone()[0])


def explain_bulk(query: str, parameters: Any) -> list[dict[str, Any]]:
    """All nodes of the plan of a statement as `bulk` runs it."""
    with bulk.bulk_cursor() as cursor:
        cursor.execute(f"EXPLAIN (FORMAT JSON) {query}", parameters)
        return nodes_of(cursor.fetchall()[0][0])


def nodes_of(answer: Any) -> list[dict[str, Any]]:
    """Of an answer of EXPLAIN (FORMAT JSON)."""
    plan = json.loads(answer) if isinstance(answer, str | bytes) else answer
    return _nodes(plan[0]["Plan"])


def scans(plan: list[dict[str, Any]], table: str) -> list[dict[str, Any]]:
    """The nodes that read a table, or one whose name begins so: its partitions."""
    return [node for node in plan if node.get("Relation Name", "").startswith(table)]


def indexes(plan: list[dict[str, Any]]) -> set[str]:
    return {node["Index Name"] for node in plan if "Index Name" in node}


def _nodes(plan: dict[str, Any]) -> list[dict[str, Any]]:
    return [plan, *(node for child in plan.get("Plans", []) for node in _nodes(child))]
