"""A local Find My gateway: real HTTP, real cryptography, a simulated fleet, faults on request.

POST /findmyservice/v2/fetch   v2                 GET  /                 anisette headers as JSON
POST /acsnservice/fetch        legacy             GET  /control/stats    counters as JSON
                                                  POST /control/faults   {"throttled": 3, "empty": 0.1}
"""

import base64
import binascii
import errno
import json
import secrets
import sys
import uuid
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Lock, Thread
from types import TracebackType
from typing import Any, ClassVar, Self

from ingestion.findmy import protocol
from ingestion.findmy.protocol import Shape
from simulation.findmy.book import ReportBook
from simulation.findmy.faults import Fault, FaultBox, FaultError
from simulation.findmy.plan import Plan

STATS_PATH = "/control/stats"
FAULTS_PATH = "/control/faults"
SLOW_S = 10.0
RETRY_AFTER_S = 30

_SHAPES = {protocol.V2_PATH: Shape.V2, protocol.LEGACY_PATH: Shape.LEGACY}
_MAX_REQUEST_BYTES = 16 * 1024 * 1024
_PORTS_TRIED = 100
_OUTAGES = (500, 503, 541)
_PLAIN_FAULTS = {Fault.UNAUTHORIZED: 401, Fault.THROTTLED: 429, Fault.EMPTY: 200}
_REQUIRED_HEADERS = (
    protocol.ANISETTE_OTP,
    protocol.ANISETTE_MACHINE,
    protocol.ANISETTE_USER,
    protocol.ANISETTE_ROUTING,
    protocol.ANISETTE_SERIAL,
    protocol.ANISETTE_TIME,
    protocol.ANISETTE_TIME_ZONE,
    *protocol.ANISETTE_LOCALES,
)

Reports = list[tuple[str, list[bytes]]]


class LocalGateway:
    """Serves a plan from a thread of its own, between `start` and `stop` or as a context manager.

    port: 0 for any; otherwise the first free one at or above it. accounts: (dsid, token) pairs that may
    fetch, any pair if there are none. slow_s: what the slow fault waits. clock: aware UTC, what counts as
    now.
    """

    def __init__(
        self,
        plan: Plan,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        accounts: Collection[tuple[str, str]] = (),
        slow_s: float = SLOW_S,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.faults = FaultBox(plan.seed)
        self.slow_s = slow_s
        self.stopping = Event()
        self._book = ReportBook(plan)
        self._accounts = frozenset(accounts)
        self._clock = clock
        self._counts: Counter[str] = Counter()
        self._lock = Lock()
        self._server = _listen(host, port, self)
        self._thread = Thread(target=self._server.serve_forever, args=(0.05,), name="findmy-gateway")

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        """Root URL with a slash at its end; it is also the anisette URL."""
        return f"http://{self._server.server_address[0]!s}:{self.port}/"

    def fetch_url(self, shape: Shape = Shape.V2) -> str:
        """URL that the client of this shape posts to."""
        path = next(path for path, known in _SHAPES.items() if known is shape)
        return self.url + path.removeprefix("/")

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def stop(self) -> None:
        """Stop answering and free the port."""
        self.stopping.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def count(self, name: str, number: int = 1) -> None:
        """Add to a counter of the stats."""
        with self._lock:
            self._counts[name] += number

    def stats(self) -> dict[str, Any]:
        """Return counters, pending faults and the number of keys known."""
        with self._lock:
            counts = dict(sorted(self._counts.items()))
        return {"counts": counts, "pending_faults": self.faults.pending(), "keys": len(self._book)}

    def next_outage(self) -> int:
        """Return one of the server errors that have been seen, in turn."""
        with self._lock:
            return _OUTAGES[(self._counts[f"fault_{Fault.UNAVAILABLE}"] - 1) % len(_OUTAGES)]

    def is_authorized(self, headers: Mapping[str, str]) -> bool:
        """Whether a request carries a known account and every anisette header."""
        scheme, _, encoded = headers.get("Authorization", "").partition(" ")
        try:
            dsid, _, token = base64.b64decode(encoded, validate=True).decode("utf-8").partition(":")
            base64.b64decode(headers.get(protocol.ANISETTE_USER, ""), validate=True)
            device = headers.get(protocol.ANISETTE_DEVICE, "")
            known_device = str(uuid.UUID(device)).upper() == device
        except (binascii.Error, ValueError):
            return False
        known_account = (dsid, token) in self._accounts if self._accounts else bool(dsid and token)
        return (
            scheme == "Basic"
            and known_account
            and known_device
            and all(headers.get(name) for name in _REQUIRED_HEADERS)
        )

    def reports(self, shape: Shape, request: Any) -> Reports:
        """Return the published reports of the keys that a request asks for.

        Raises LookupError, TypeError or AttributeError for a request of another shape.
        """
        now = self._clock()
        keys = list(dict.fromkeys(_asked(shape, request)))
        found = [(key, payloads) for key in keys if (payloads := self._book.latest(key, now))]
        if shape is Shape.LEGACY:
            found = _cap(found, protocol.LEGACY_ANSWER_LIMIT)
        self.count("keys_asked", len(keys))
        self.count("reports_served", sum(len(payloads) for _, payloads in found))
        return found


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], gateway: LocalGateway) -> None:
        self.gateway = gateway
        super().__init__(address, _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), ConnectionError | TimeoutError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "findmy-gateway"
    timeout = 60
    wbufsize: ClassVar[int] = 64 * 1024
    server: _Server

    def do_GET(self) -> None:
        gateway = self.server.gateway
        if self.path == "/":
            gateway.count("anisette")
            self._send_json(200, _anisette_answer())
        elif self.path == STATS_PATH:
            self._send_json(200, gateway.stats())
        else:
            self._send_json(404, {"error": "unknown path"})

    def do_POST(self) -> None:
        body = self._read_body()
        if body is None:
            return
        try:
            request = json.loads(body)
            if self.path == FAULTS_PATH:
                self.server.gateway.faults.set(dict(request))
                self._send_json(200, self.server.gateway.stats())
            elif self.path in _SHAPES:
                self._fetch(_SHAPES[self.path], request)
            else:
                self._send_json(404, {"error": "unknown path"})
        except FaultError as error:
            self._send_json(400, {"error": str(error)})
        except (ValueError, LookupError, TypeError, AttributeError):
            self._send_json(400, {"error": "the request has another shape"})

    def _fetch(self, shape: Shape, request: Any) -> None:
        gateway = self.server.gateway
        gateway.count(f"fetch_{shape}")
        if not gateway.is_authorized(self.headers):  # type: ignore[arg-type]
            gateway.count("refused")
            self._send(401)
            return
        fault = gateway.faults.take()
        if fault is not None:
            gateway.count(f"fault_{fault}")
        if fault is Fault.SLOW:
            gateway.stopping.wait(gateway.slow_s)
        if fault in _PLAIN_FAULTS or fault is Fault.UNAVAILABLE:
            self._send_fault(fault)
            return
        reports = gateway.reports(shape, request)
        if fault is Fault.FOREIGN_ID:
            reports.append((_random_id(), [secrets.token_bytes(protocol.SHORT_PAYLOAD_BYTES)]))
        elif fault is Fault.BAD_TAG:
            reports = _spoil_first(reports, _asked(shape, request))
        answer = {} if fault is Fault.MISSING_LOCATIONS else _answer_body(shape, reports)
        body = json.dumps(_ENVELOPES[shape] | answer).encode("ascii")
        self._send(200, body, cut=fault is Fault.TRUNCATED)

    def _send_fault(self, fault: Fault) -> None:
        if fault is Fault.UNAVAILABLE:
            self._send(self.server.gateway.next_outage())
        elif fault is Fault.THROTTLED:
            self._send(_PLAIN_FAULTS[fault], headers={"Retry-After": str(RETRY_AFTER_S)})
        else:
            self._send(_PLAIN_FAULTS[fault])

    def _read_body(self) -> bytes | None:
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > _MAX_REQUEST_BYTES:
            self.close_connection = True
            self._send(411 if not length.isdecimal() else 413)
            return None
        return self.rfile.read(int(length))

    def _send_json(self, status: int, value: Mapping[str, Any]) -> None:
        self._send(status, json.dumps(value).encode("utf-8"))

    def _send(
        self, status: int, body: bytes = b"", *, headers: Mapping[str, str] | None = None, cut: bool = False
    ) -> None:
        self.send_response(status, None if status in self.responses else "Unknown")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if cut else body)
        self.close_connection = self.close_connection or cut

    def log_message(self, format: str, *args: Any) -> None:
        """Stay silent: the stats tell what happened."""


_ENVELOPES: dict[Shape, dict[str, Any]] = {
    Shape.V2: {"configVersion": 1},
    Shape.LEGACY: {"statusCode": protocol.STATUS_OK},
}


def _listen(host: str, port: int, gateway: LocalGateway) -> _Server:
    last = min(port + _PORTS_TRIED, 65_535) if port else 0
    while True:
        try:
            return _Server((host, port), gateway)
        except OSError as error:
            if error.errno != errno.EADDRINUSE or port >= last:
                raise
        port += 1


def _asked(shape: Shape, request: Any) -> list[str]:
    entries = request["search"] if shape is Shape.LEGACY else request["fetch"]
    names = ("ids",) if shape is Shape.LEGACY else ("primaryIds", "secondaryIds")
    return [str(key) for entry in entries for name in names for key in entry[name]]


def _answer_body(shape: Shape, reports: Reports) -> dict[str, Any]:
    coded = [(key, [base64.b64encode(payload).decode() for payload in found]) for key, found in reports]
    if shape is Shape.LEGACY:
        results = [
            {"id": key, "payload": payload, "description": "found", "statusCode": 0}
            for key, found in coded
            for payload in found
        ]
        return {"results": results}
    payloads = [{"id": key, "locationInfo": found} for key, found in coded]
    locations = {"statusCode": protocol.STATUS_OK, "configVersion": 1, "locationPayload": payloads}
    return {"acsnLocations": locations}


def _cap(reports: Reports, limit: int) -> Reports:
    capped: Reports = []
    for key, payloads in reports:
        if limit <= 0:
            break
        capped.append((key, payloads[-limit:]))
        limit -= len(payloads)
    return capped


def _spoil_first(reports: Reports, asked: list[str]) -> Reports:
    key, payloads = reports[0] if reports else (asked[0], [secrets.token_bytes(protocol.LONG_PAYLOAD_BYTES)])
    spoiled = payloads[0][:-1] + bytes([payloads[0][-1] ^ 1])
    return [(key, [spoiled, *payloads[1:]]), *reports[1:]]


def _anisette_answer() -> dict[str, str]:
    return {
        protocol.ANISETTE_OTP: base64.b64encode(secrets.token_bytes(28)).decode("ascii"),
        protocol.ANISETTE_MACHINE: base64.b64encode(secrets.token_bytes(60)).decode("ascii"),
    }


def _random_id() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode("ascii")
