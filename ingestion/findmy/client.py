"""Fetches encrypted reports from Apple's gateway, or from any server that speaks like it."""

import json
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import requests

from foundation.deadlines import Clock
from ingestion.findmy import answers, protocol
from ingestion.findmy.anisette import Account, AnisetteServer
from ingestion.findmy.answers import FetchAnswer, RejectedEntry, Rejection
from ingestion.findmy.errors import (
    EmptyAnswerError,
    FetchError,
    GatewayUnavailableError,
    MalformedAnswerError,
    ThrottledError,
    UnauthorizedError,
)
from ingestion.findmy.protocol import Shape

__all__ = [
    "Account",
    "EmptyAnswerError",
    "FetchAnswer",
    "FetchError",
    "GatewayClient",
    "GatewayUnavailableError",
    "MalformedAnswerError",
    "RejectedEntry",
    "Rejection",
    "ThrottledError",
    "UnauthorizedError",
]

MAX_ANSWER_BYTES = 32 * 1024 * 1024
_CHUNK_BYTES = 64 * 1024
_LOOPBACK_HOSTS = frozenset({"127.0.0.1", "::1", "localhost"})


class GatewayClient:
    """One HTTP session with a gateway and its anisette server; not shared between threads.

    url and anisette_url: always from the caller, so that nothing reaches Apple by default.
    connect_timeout_s, read_timeout_s: for each connection and each wait for bytes.
    empty_retry_s: pauses before an empty 200 is asked again; sleep takes each of them.
    max_answer_bytes: an answer longer than that, unpacked, is malformed.
    clock: what requests are dated by, and waits measured.
    """

    def __init__(
        self,
        url: str,
        *,
        anisette_url: str,
        clock: Clock,
        shape: Shape = Shape.V2,
        connect_timeout_s: float = 5.0,
        read_timeout_s: float = 30.0,
        empty_retry_s: Sequence[float] = protocol.EMPTY_ANSWER_RETRY_S,
        max_answer_bytes: int = MAX_ANSWER_BYTES,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._url = url
        self._shape = shape
        self._timeout_s = (connect_timeout_s, read_timeout_s)
        self._empty_retry_s = tuple(empty_retry_s)
        self._max_answer_bytes = max_answer_bytes
        self._clock = clock
        self._sleep = sleep
        self._session = _Session()
        self._anisette = AnisetteServer(
            anisette_url, session=self._session, timeout_s=self._timeout_s, clock=clock
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the session's connections."""
        self._session.close()

    def fetch(
        self, hashed_keys: Sequence[str], start: datetime, end: datetime, account: Account
    ) -> FetchAnswer:
        """Ask for the reports of these keys between two aware datetimes.

        The gateway ignores the dates more often than not: expect older reports and repeats.

        Raises UnauthorizedError, ThrottledError, GatewayUnavailableError, MalformedAnswerError, EmptyAnswerError;
        ValueError for a naive datetime.
        """
        if start.tzinfo is None or end.tzinfo is None:
            raise ValueError("start and end must be aware")
        request = json.dumps(answers.build_request(self._shape, hashed_keys, start, end)).encode("ascii")
        body = self._post(request, account)
        for pause_s in self._empty_retry_s:
            if body.strip():
                break
            self._sleep(pause_s)
            body = self._post(request, account)
        if not body.strip():
            raise EmptyAnswerError(f"200 with an empty body, {len(self._empty_retry_s) + 1} times in a row")
        return answers.parse_answer(self._shape, body, frozenset(hashed_keys))

    def _post(self, request: bytes, account: Account) -> bytes:
        headers = {
            **self._anisette.headers(account),
            "Accept": "application/json",
            "Content-Type": "application/json",
        }
        try:
            with self._session.post(
                self._url,
                data=request,
                headers=headers,
                auth=(account.dsid, account.search_party_token),
                timeout=self._timeout_s,
                allow_redirects=False,
                stream=True,
            ) as response:
                self._raise_for_status(response)
                return self._read(response)
        except (requests.exceptions.ChunkedEncodingError, requests.exceptions.ContentDecodingError) as error:
            raise MalformedAnswerError(f"the answer broke off: {error}") from error
        except requests.RequestException as error:
            raise GatewayUnavailableError(f"the gateway does not answer: {error}") from error

    def _read(self, response: requests.Response) -> bytes:
        body = bytearray()
        for chunk in response.iter_content(_CHUNK_BYTES):
            body += chunk
            if len(body) > self._max_answer_bytes:
                raise MalformedAnswerError(f"the answer has more than {self._max_answer_bytes} bytes")
        return bytes(body)

    def _raise_for_status(self, response: requests.Response) -> None:
        status = response.status_code
        if status == 200:
            return
        if status == 401:
            self._anisette.forget()
            raise UnauthorizedError("the gateway refused the account")
        if status == 429:
            retry_after_s = _retry_after_s(response.headers.get("Retry-After", ""), self._clock())
            raise ThrottledError("the gateway asks for fewer requests", retry_after_s=retry_after_s)
        if 500 <= status < 600:
            raise GatewayUnavailableError(f"the gateway answered {status}", status=status)
        raise MalformedAnswerError(f"the gateway answered {status}, which no known gateway does")


class _Session(requests.Session):
    """Reaches servers of this machine past the proxy that the environment may name for the others."""

    def merge_environment_settings(self, url: Any, proxies: Any, stream: Any, verify: Any, cert: Any) -> Any:
        host = urlsplit(url).hostname
        if host in _LOOPBACK_HOSTS:
            proxies = {**(proxies or {}), "no_proxy": host}
        return super().merge_environment_settings(url, proxies, stream, verify, cert)


def _retry_after_s(value: str, now: datetime) -> float | None:
    if value.strip().isdecimal():
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - now).total_seconds())
