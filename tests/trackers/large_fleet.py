"""A fleet with a history that is large enough for the planner to care, and what its plans are held to."""

import re
from typing import Any

import pytest

from simulation.bench import analytics as bench
from tests.factories import NOW
from tests.plans import BY_INDEX, indexes

LARGE = ("trackers_statuschange", "trackers_locationreport", "trackers_alert", "trackers_alertwatch")

# So few of them are open in this fleet that walking an index is as cheap as looking them up.
FEW = ("trackers_alert", "trackers_alertwatch")


@pytest.fixture
def fleet(monkeypatch: pytest.MonkeyPatch) -> None:
    """As the benchmark's, but smaller; VACUUM can't run within a test's transaction."""
    execute = bench._execute
    monkeypatch.setattr(
        bench, "_execute", lambda text, values: execute(text.replace("VACUUM (ANALYZE)", "ANALYZE"), values)
    )
    for _ in bench.fill(trackers=2000, reports=2, now=NOW):
        pass


def is_large(relation: str) -> bool:
    """Whether it is a large table or a partition of one. The default partition is empty in a fleet whose months were
    made ahead."""
    return relation.startswith(LARGE) and not relation.endswith("_default")


def assert_by_index(plan: list[dict[str, Any]], index: str) -> None:
    """No large table is read but by a condition on an index, and one of the indexes is this one, a regular expression.
    A partition that costs nothing is empty."""
    for node in plan:
        if is_large(node.get("Relation Name", "")) and node["Total Cost"] > 0:
            assert node["Node Type"] in BY_INDEX, node
            by_condition = "Index Cond" in node or "Recheck Cond" in node
            assert by_condition or node["Relation Name"] in FEW, node
    assert any(re.fullmatch(index, name) for name in indexes(plan)), indexes(plan)
