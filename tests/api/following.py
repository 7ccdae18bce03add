"""A program that keeps a copy of what the API tells, by its cursors."""

import time
from typing import Any

from django.db import connection
from rest_framework.test import APIClient

from foundation import following

BEGINNING = "0"


class Follower:
    """Follows an address page by page; `rows` is its copy, by the key that names a row."""

    def __init__(
        self, client: APIClient, path: str, *, key: str, page_size: int = 10, parameter: str = "changed_after"
    ):
        self.client, self.key = client, key
        self.rows: dict[Any, dict[str, Any]] = {}
        self.told: list[Any] = []
        joint = "&" if "?" in path else "?"
        self.next = f"/api/v1/{path}{joint}page_size={page_size}&{parameter}={BEGINNING}"

    def page(self) -> dict[str, Any]:
        """Read one page, and go on from there the next time."""
        response = self.client.get(self.next)
        assert response.status_code == 200, response.content
        page: dict[str, Any] = response.json()
        self.next = page["next"]
        for row in page["results"]:
            self.rows[row[self.key]] = row
        for gone in page.get("gone", []):
            self.rows.pop(gone[self.key], None)
        self.told += [row[self.key] for row in (*page["results"], *page.get("gone", []))]
        return page

    def poll(self) -> list[Any]:
        """Read all that is there; returns what was told, by key."""
        before = len(self.told)
        while self.page()["more"]:
            pass
        return self.told[before:]


def settle() -> None:
    """Wait until all that was committed by now can be followed: transactions of other tests' databases, on the same
    server, may hold it back for a moment."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_current_xact_id()::text::bigint")
        [(own,)] = cursor.fetchall()
    deadline = time.monotonic() + 30
    while following.reading_mark().below <= own:
        assert time.monotonic() < deadline, "a transaction holds back what was committed"
        time.sleep(0.01)
