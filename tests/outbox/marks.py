"""Which rows a piece of work marks as changed, and for whom; within the test's own transaction."""

from collections.abc import Callable
from typing import Any

from django.db import connection

MARKED = """
SELECT row_id, client_id FROM outbox_changedrow WHERE kind = %s AND txid = pg_current_xact_id() ORDER BY 1, 2
"""


def marked_by(kind: str, work: Callable[[], Any]) -> set[tuple[int, int]]:
    """Row and client; 0 stands for staff alone."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
        cursor.execute("UPDATE outbox_changedrow SET txid = '3'")
        work()
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
        cursor.execute(MARKED, [kind])
        return set(cursor.fetchall())
