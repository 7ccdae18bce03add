"""A fleet with a history that is large enough for the planner to care, and what its plans are held to."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import transaction

from simulation.bench import analytics as bench
from tests.factories import NOW
from tests.plans import BY_INDEX, indexes

LARGE = ("trackers_statuschange", "trackers_locationreport", "trackers_alert", "trackers_alertwatch")

# So few of them are open in this fleet that walking an index is as cheap as looking them up.
FEW = ("trackers_alert", "trackers_alertwatch")


@pytest.fixture(scope="module")
def fleet(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """As the benchmark's, but smaller; VACUUM can't run within a transaction.

    Made once for the tests of a module, each of which has a savepoint in the transaction around it.
    """
    execute = bench._execute

    def execute_here(text: str, values: Any) -> None:
        execute(text.replace("VACUUM (ANALYZE)", "ANALYZE"), values)

    with django_db_blocker.unblock(), transaction.atomic():
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(bench, "_execute", execute_here)
            for _ in bench.fill(trackers=2000, reports=2, now=NOW):
                pass
        yield
        transaction.set_rollback(True)


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
