"""Asks one geocoder over HTTP. An address as people type it goes out, candidates come back."""

import json
from dataclasses import dataclass

import requests
from requests.exceptions import ConnectionError as NoConnection
from urllib3.exceptions import HTTPError, TimeoutError

from foundation.deadlines import Clock, Deadline
from locations.geocoding.errors import MalformedError, RefusedError, ThrottledError, UnreachableError
from locations.geocoding.provider import MOST_CANDIDATES, Candidate, Provider
from locations.geocoding.turns import Rate

MAX_ANSWER_BYTES = 512 * 1024
_PIECE_BYTES = 16 * 1024
# Not compressed: a small answer must not unpack to a large one.
_HEADERS = {"Accept": "application/json", "Accept-Encoding": "identity"}


@dataclass(frozen=True)
class Geocoder:
    """A provider as it is configured. timeout_s: for a connection, for each wait for bytes, and for the whole body."""

    provider: Provider
    url: str
    key: str
    rates: tuple[Rate, ...]
    timeout_s: float
    user_agent: str

    def candidates(self, query: str, *, clock: Clock) -> list[Candidate]:
        """Return places that the query may mean, best first; none if there are none. clock: what waits are measured by.

        Raises ThrottledError, RefusedError, UnreachableError, MalformedError: never with the address asked, which
        holds the key.
        """
        status, body = self._get(query, clock)
        if self.provider.says_nothing_found(status, body):
            return []
        if status != 200:
            raise RefusedError(f"answers {status}")
        try:
            return self.provider.read(json.loads(body))[:MOST_CANDIDATES]
        except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError) as error:
            raise MalformedError(f"an answer that can't be read ({type(error).__name__})") from error

    def _get(self, query: str, clock: Clock) -> tuple[int, bytes]:
        try:
            with requests.get(
                self.url,
                params=self.provider.parameters(query, self.key),
                headers={"User-Agent": self.user_agent, **_HEADERS},
                timeout=(self.timeout_s, self.timeout_s),
                allow_redirects=False,
                stream=True,
            ) as response:
                if response.status_code == 429:
                    raise ThrottledError("answers 429", _seconds(response.headers.get("Retry-After")))
                if response.status_code >= 500:
                    raise UnreachableError(f"answers {response.status_code}")
                return response.status_code, self._read(response, clock)
        except (requests.Timeout, TimeoutError):
            raise self._too_slow() from None
        except HTTPError:
            raise MalformedError("an answer that breaks off") from None
        except NoConnection:
            raise UnreachableError("can't be connected to") from None
        except requests.RequestException as error:
            raise UnreachableError(f"can't be asked ({type(error).__name__})") from None

    def _read(self, response: requests.Response, clock: Clock) -> bytes:
        """Take what each wait brings, so that an answer that trickles in is given up in time, too."""
        deadline = Deadline(clock, self.timeout_s)
        body = bytearray()
        while piece := response.raw.read1(_PIECE_BYTES):
            body += piece
            if len(body) > MAX_ANSWER_BYTES:
                raise MalformedError(f"an answer of more than {MAX_ANSWER_BYTES} bytes")
            if deadline.passed:
                raise self._too_slow()
        return bytes(body)

    def _too_slow(self) -> UnreachableError:
        return UnreachableError(f"no answer within {self.timeout_s:g} s")


def _seconds(retry_after: str | None) -> float | None:
    """A date is not understood: the usual rest serves as well."""
    return float(retry_after) if retry_after and retry_after.isdecimal() and retry_after.isascii() else None
