"""Asks the gateway: by whichever account may, within its budget, and never with a transaction open."""

import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from types import TracebackType
from typing import Self

from django.conf import settings
from django.db import connection

from foundation.deadlines import Clock
from foundation.errors import OpenTransactionError
from ingestion.findmy.client import (
    Account,
    EmptyAnswerError,
    FetchAnswer,
    FetchError,
    GatewayClient,
    ThrottledError,
)
from ingestion.findmy.protocol import Shape
from ingestion.services import accounts

# A refused request is tried once more: a 401 is often spurious, and another account may be welcome.
ATTEMPTS = 2


class NoAccountAvailableError(Exception):
    """Every account has used its budget or is cooling down: nothing was asked."""


class Requester:
    """One HTTP session with the gateway that the settings name; not shared between threads.

    sleep: takes the seconds of each pause before an empty answer is asked again.
    """

    def __init__(self, *, clock: Clock, sleep: Callable[[float], None] = time.sleep) -> None:
        self._clock = clock
        self._sleep = sleep
        self._account: Account | None = None
        self._requests = 0
        self._client = GatewayClient(
            settings.FINDMY_URL,
            anisette_url=settings.FINDMY_ANISETTE_URL,
            clock=clock,
            shape=Shape(settings.FINDMY_PROTOCOL),
            connect_timeout_s=settings.FINDMY_CONNECT_TIMEOUT_S,
            read_timeout_s=settings.FINDMY_READ_TIMEOUT_S,
            sleep=self._pause,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def fetch(self, hashed_keys: Sequence[str]) -> FetchAnswer:
        """Ask for these keys' reports of the last MAX_REPORT_AGE_DAYS.

        Raises NoAccountAvailableError if nothing could be asked; FetchError, whose tally is written, if the gateway was
        asked in vain; OpenTransactionError.
        """
        if connection.in_atomic_block:
            raise OpenTransactionError("Fetch outside transaction.atomic(): the network may take minutes.")
        refusal: FetchError | None = None
        throttled: set[str] = set()
        for _ in range(ATTEMPTS):
            account = accounts.take_account(now=self._clock(), excluding=throttled)
            if account is None:
                break
            try:
                return self._ask(account, hashed_keys)
            except FetchError as error:
                if not accounts.is_refusal(error):
                    raise
                refusal = error
                if isinstance(error, ThrottledError):
                    throttled.add(account.name)
        if refusal is None:
            raise NoAccountAvailableError
        raise refusal

    def _ask(self, account: Account, hashed_keys: Sequence[str]) -> FetchAnswer:
        self._account, self._requests = account, 1
        now = self._clock()
        start = now - timedelta(days=settings.MAX_REPORT_AGE_DAYS)
        try:
            answer = self._client.fetch(hashed_keys, start, now, account)
        except FetchError as error:
            accounts.note_answer(account, requests=self._requests, now=self._clock(), error=error)
            raise
        accounts.note_answer(account, requests=self._requests, now=self._clock())
        return answer

    def _pause(self, seconds: float) -> None:
        """What the client does before it asks an empty answer again: that costs budget, too."""
        self._sleep(seconds)
        if self._account is None or not accounts.take_request(self._account, now=self._clock()):
            raise EmptyAnswerError("200 with an empty body, and the account's budget is used up")
        self._requests += 1
