"""Transactions on connections of their own, which do what they are asked, step by step."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from django.db import connection, transaction


class Session:
    """A transaction that is open until it is told to end."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1)
        self._thread.submit(self._begin).result(30)

    def start(self, work: Callable[..., Any], *arguments: Any, **options: Any) -> Future[Any]:
        """Begin something that may have to wait."""
        return self._thread.submit(work, *arguments, **options)

    def run(self, work: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        return self.start(work, *arguments, **options).result(30)

    def execute(self, statement: str) -> None:
        self.run(self._execute, statement)

    def take_id(self) -> None:
        """As a first write does: the transaction gets its number."""
        self.execute("SELECT pg_current_xact_id()")

    def commit(self) -> None:
        self.run(self._end, None)

    def roll_back(self) -> None:
        self.run(self._end, ValueError)

    def close(self) -> None:
        """Rolls back what is still open."""
        if hasattr(self, "_transaction"):
            self.roll_back()
        self.run(self._close)
        self._thread.shutdown()

    def _begin(self) -> None:
        self._transaction = transaction.atomic()
        self._transaction.__enter__()

    def _close(self) -> None:
        """In the session's own thread: elsewhere `connection` is another one."""
        connection.close()

    def _execute(self, statement: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute(statement)

    def _end(self, error: type[Exception] | None) -> None:
        self._transaction.__exit__(error, error() if error else None, None)
        del self._transaction


@contextmanager
def sessions(number: int) -> Iterator[list[Session]]:
    every = [Session() for _ in range(number)]
    try:
        yield every
    finally:
        for session in every:
            session.close()
