"""Who follows reads no more than the next page, by an index."""

import pytest
from django.db import connection

from outbox import selectors
from tests import plans

pytestmark = pytest.mark.usefixtures("planner")

FILL = """
INSERT INTO outbox_changedrow (kind, row_id, client_id, txid)
SELECT 'tracker', number, number %% 50, (number / 7 + 3)::text::xid8 FROM generate_series(1, 20000) AS number
"""
NEXT = {"kind": "tracker", "txid": 1_000, "number": 5, "below": 2**62, "limit": 11}


@pytest.fixture(autouse=True)
def _many_rows(db):
    with connection.cursor() as cursor:
        cursor.execute(FILL.replace("%%", "%"))
    plans.analyze("outbox_changedrow")


def test_all_rows_are_read_in_the_order_of_an_index():
    plan = plans.explain_bulk(selectors.READ_CHANGED_ROWS, NEXT)
    assert "outbox_changedrow_in_order" in plans.indexes(plan)
    assert "Sort" not in {node["Node Type"] for node in plan}


def test_rows_of_a_client_are_read_by_its_own_index():
    plan = plans.explain_bulk(selectors.READ_CHANGED_ROWS_OF_CLIENTS, NEXT | {"client_ids": [3, 4]})
    assert "outbox_changedrow_of_client_in_order" in plans.indexes(plan)
    first = [node for node in plan if node.get("Index Name") == "outbox_changedrow_of_client_in_order"]
    assert "client_id" in first[0]["Index Cond"]
    assert "txid" in first[0]["Index Cond"]
