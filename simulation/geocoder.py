"""A local geocoder: real HTTP in the formats of all three providers, faults on request. It knows a few addresses.

GET /nominatim/search   GET /locationiq/v1/search   GET /opencage/geocode/v1/json
"""

import json
import threading
from collections import Counter
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, NamedTuple, Self
from urllib.parse import parse_qsl, urlsplit

KEY = "local-key"
RETRY_AFTER_S = 7
_PATHS = {
    "/nominatim/search": "nominatim",
    "/locationiq/v1/search": "locationiq",
    "/opencage/geocode/v1/json": "opencage",
}


class Fault(StrEnum):
    """What every request to a provider meets instead of a good answer."""

    THROTTLED = "throttled"
    UNAVAILABLE = "unavailable"
    FORBIDDEN = "forbidden"
    MOVED = "moved"
    EMPTY = "empty"
    MALFORMED = "malformed"
    WRONG_SHAPE = "wrong_shape"
    NOWHERE = "nowhere"
    CUT = "cut"
    HUGE = "huge"
    SLOW = "slow"
    TRICKLING = "trickling"


class Place(NamedTuple):
    name: str
    latitude: float
    longitude: float
    country: str


PLACES = (
    Place("Damrak 1, 1012 LG Amsterdam, Netherlands", 52.3776, 4.8979, "nl"),
    Place("Damrak, Amsterdam, Netherlands", 52.3747, 4.8958, "nl"),
    Place("Rathausplatz 1, 20095 Hamburg, Germany", 53.5503, 9.9937, "de"),
    Place("Praça do Comércio, 1100-148 Lisboa, Portugal", 38.7077, -9.1366, "pt"),
    Place("Null Island", 0.0, 0.0, ""),
)


class LocalGeocoder:
    """Serves from a thread of its own, as a context manager.

    faults: by provider, until taken away. asked: requests by provider; headers: of the last request.
    slow_s: what the slow fault waits before its answer, and the trickling one between two bytes.
    """

    def __init__(self, *, host: str = "127.0.0.1", port: int = 0, slow_s: float = 10.0) -> None:
        self.faults: dict[str, Fault] = {}
        self.asked: Counter[str] = Counter()
        self.headers: dict[str, str] = {}
        self.slow_s = slow_s
        self.stopping = threading.Event()
        self._server = _Server((host, port), self)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name="geocoder")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stopping.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def url(self, provider: str) -> str:
        """What GEOCODER_URLS takes for a provider."""
        path = next(path for path, code in _PATHS.items() if code == provider)
        return f"http://{self._server.server_address[0]!s}:{self._server.server_address[1]}{path}"


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], geocoder: LocalGeocoder) -> None:
        super().__init__(address, _Handler)
        self.geocoder = geocoder

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Callers that give up are what the slow faults are for."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        provider = _PATHS.get(parts.path)
        if provider is None:
            self._answer(404, b"no such page")
            return
        local = self.server.geocoder
        local.asked[provider] += 1
        local.headers = dict(self.headers)
        parameters = dict(parse_qsl(parts.query))
        refusal = self._refusal(provider, parameters)
        found = _found(parameters.get("q", ""), int(parameters.get("limit", 1)))
        status, body = refusal or _good_answer(provider, found)
        fault = local.faults.get(provider)
        if fault:
            self._fail(fault, provider, status, json.dumps(body).encode())
        else:
            self._answer(status, json.dumps(body).encode())

    def _refusal(self, provider: str, parameters: dict[str, str]) -> tuple[int, Any] | None:
        """Nominatim wants to know who asks, the others want their key."""
        if provider == "nominatim":
            stock = self.headers.get("User-Agent", "").startswith(("python", "Python", "curl"))
            return (403, {"error": "who are you?"}) if stock else None
        return None if parameters.get("key") == KEY else (401, {"error": "Invalid key"})

    def _fail(self, fault: Fault, provider: str, status: int, body: bytes) -> None:
        statuses = {Fault.THROTTLED: 429, Fault.UNAVAILABLE: 500, Fault.FORBIDDEN: 403, Fault.MOVED: 302}
        bodies = {
            Fault.EMPTY: b"",
            Fault.MALFORMED: b"<html>Bad gateway</html>",
            Fault.WRONG_SHAPE: b'{"results": [{"formatted": 7}], "lat": []}',
            Fault.NOWHERE: json.dumps(_good_answer(provider, [Place("X", 99.0, 1.0, "")])[1]).encode(),
            Fault.HUGE: b"[" + b" " * 1_000_000 + b"]",
        }
        if fault in statuses:
            headers = {"Retry-After": str(RETRY_AFTER_S), "Location": "http://127.0.0.1:1/"}
            self._answer(statuses[fault], b"", headers=headers)
        elif fault in bodies:
            self._answer(200, bodies[fault])
        elif fault is Fault.CUT:
            self._answer(200, body, sent=body[:-2])
        elif fault is Fault.SLOW:
            self.server.geocoder.stopping.wait(self.server.geocoder.slow_s)
            self._answer(status, body)
        else:
            self._trickle(body)

    def _trickle(self, body: bytes) -> None:
        self._answer(200, body, sent=b"")
        for byte in body:
            self.wfile.write(bytes([byte]))
            if self.server.geocoder.stopping.wait(self.server.geocoder.slow_s):
                return

    def _answer(
        self, status: int, body: bytes, *, sent: bytes | None = None, headers: dict[str, str] | None = None
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body if sent is None else sent)

    def log_message(self, format: str, *args: Any) -> None:
        """Stay silent: `asked` tells what happened."""


def _found(query: str, limit: int) -> list[Place]:
    words = query.casefold().replace(",", " ").split()
    return [place for place in PLACES if all(word in place.name.casefold() for word in words)][:limit]


def _good_answer(provider: str, found: list[Place]) -> tuple[int, Any]:
    if provider == "opencage":
        results = [
            {
                "formatted": place.name,
                "geometry": {"lat": place.latitude, "lng": place.longitude},
                "components": {"ISO_3166-1_alpha-2": place.country.upper()} if place.country else {},
            }
            for place in found
        ]
        status = {"code": 200, "message": "OK"}
        return 200, {"results": results, "status": status, "total_results": len(results)}
    if provider == "locationiq" and not found:
        return 404, {"error": "Unable to geocode"}
    return 200, [
        {
            "display_name": place.name,
            "lat": str(place.latitude),
            "lon": str(place.longitude),
            "address": {"country_code": place.country} if place.country else {},
        }
        for place in found
    ]
