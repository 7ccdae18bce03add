"""Headers by which Apple takes a client for one of its devices; their one-time part comes from a server."""

import base64
import uuid
from dataclasses import dataclass, field
from datetime import UTC

import requests

from foundation.deadlines import Clock, Deadline
from ingestion.findmy import protocol
from ingestion.findmy.errors import GatewayUnavailableError, MalformedAnswerError

VALID_FOR_S = 30.0
_IDENTITIES = uuid.UUID("7a1c9c2e-53b3-5d0c-9d3c-0f6f5c1f3a11")


@dataclass(frozen=True, slots=True)
class Account:
    """An Apple account that may fetch; the repr hides its token.

    name: how ops call it. dsid and search_party_token: the HTTP Basic pair of a finished sign-in.
    """

    name: str
    dsid: str
    search_party_token: str = field(repr=False)

    @property
    def user_id(self) -> str:
        """Stable made-up user id, an upper-case UUID."""
        return str(uuid.uuid5(_IDENTITIES, f"user:{self.dsid}")).upper()

    @property
    def device_id(self) -> str:
        """Stable made-up device id, an upper-case UUID."""
        return str(uuid.uuid5(_IDENTITIES, f"device:{self.dsid}")).upper()


class AnisetteServer:
    """Reads one-time headers from `GET url` and keeps them for a few seconds.

    timeout_s: (connect, read). clock: tells how old they are, and the time of a request. Not shared between threads.
    """

    def __init__(
        self, url: str, *, session: requests.Session, timeout_s: tuple[float, float], clock: Clock
    ) -> None:
        self._url = url
        self._session = session
        self._timeout_s = timeout_s
        self._clock = clock
        self._answer: dict[str, str] = {}
        self._valid: Deadline | None = None

    def headers(self, account: Account) -> dict[str, str]:
        """Return all the headers of one request.

        Raises GatewayUnavailableError, MalformedAnswerError.
        """
        if self._valid is None or self._valid.passed:
            self._answer = self._fetch()
            self._valid = Deadline(self._clock, VALID_FOR_S)
        return {
            **self._answer,
            protocol.ANISETTE_USER: base64.b64encode(account.user_id.encode()).decode("ascii"),
            protocol.ANISETTE_DEVICE: account.device_id,
            protocol.ANISETTE_ROUTING: protocol.ROUTING_INFO,
            protocol.ANISETTE_SERIAL: protocol.SERIAL_NUMBER,
            protocol.ANISETTE_TIME: self._clock().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            protocol.ANISETTE_TIME_ZONE: "UTC",
            **dict.fromkeys(protocol.ANISETTE_LOCALES, protocol.LOCALE),
        }

    def forget(self) -> None:
        """Drop the headers in hand: a 401 can mean that they have aged."""
        self._valid = None

    def _fetch(self) -> dict[str, str]:
        try:
            response = self._session.get(self._url, timeout=self._timeout_s, allow_redirects=False)
        except requests.RequestException as error:
            raise GatewayUnavailableError(f"the anisette server does not answer: {error}") from error
        if response.status_code != 200:
            raise GatewayUnavailableError(
                f"the anisette server answered {response.status_code}", status=response.status_code
            )
        try:
            answer = response.json()
            return {name: str(answer[name]) for name in (protocol.ANISETTE_OTP, protocol.ANISETTE_MACHINE)}
        except (ValueError, KeyError, TypeError) as error:
            raise MalformedAnswerError("the anisette server's answer lacks its two headers") from error
