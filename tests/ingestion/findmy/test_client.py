import base64
import json
import socket
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from django.utils import timezone

from ingestion.findmy import client, payload, protocol
from ingestion.findmy.client import Account, GatewayClient, Rejection
from ingestion.findmy.protocol import Shape
from keys import advertisement
from simulation.findmy.gateway import RETRY_AFTER_S, LocalGateway
from tests.simulation.findmy import worlds

PAIRS = [worlds.key_pair(number) for number in range(1, 4)]
KEYS = [pair.hashed_key for pair in PAIRS]
ACCOUNT = Account("demo", "1234567", "token-of-the-demo")
NOW = worlds.WHEN_ALL_IS_PUBLISHED
SINCE = NOW - timedelta(days=7)
SHAPES = list(Shape)


@pytest.fixture(scope="module")
def gateway() -> Iterator[LocalGateway]:
    plan = worlds.plan([worlds.tracker([pair]) for pair in PAIRS])
    accounts = [(ACCOUNT.dsid, ACCOUNT.search_party_token)]
    with LocalGateway(plan, accounts=accounts, slow_s=5.0, clock=lambda: NOW) as running:
        yield running


@pytest.fixture(params=SHAPES)
def shape(request) -> Shape:
    return request.param


@pytest.fixture
def pauses() -> list[float]:
    return []


@pytest.fixture
def gateway_client(gateway, shape, pauses) -> Iterator[GatewayClient]:
    with GatewayClient(
        gateway.fetch_url(shape),
        anisette_url=gateway.url,
        clock=timezone.now,
        shape=shape,
        read_timeout_s=0.5,
        sleep=pauses.append,
    ) as running:
        yield running


def _fetch(gateway_client, keys=KEYS):
    return gateway_client.fetch(keys, SINCE, NOW, ACCOUNT)


def test_reports_arrive_by_key_and_decrypt(gateway_client):
    answer = _fetch(gateway_client)

    assert answer.rejected == ()
    assert set(answer.payloads) <= set(KEYS)
    for pair in PAIRS:
        private_key = advertisement.load_private_key(pair.private_key)
        for sealed in answer.payloads.get(pair.hashed_key, []):
            assert SINCE <= payload.decrypt(sealed, private_key).seen_at <= NOW


def test_both_payload_lengths_arrive(gateway_client):
    sizes = {len(sealed) for found in _fetch(gateway_client).payloads.values() for sealed in found}

    assert sizes == {88, 89}


def test_keys_nobody_knows_are_absent(gateway_client):
    assert _fetch(gateway_client, [worlds.key_pair(99).hashed_key]).payloads == {}


def test_401(gateway, gateway_client):
    gateway.faults.set({"unauthorized": 1})

    with pytest.raises(client.UnauthorizedError):
        _fetch(gateway_client)
    assert _fetch(gateway_client).payloads


def test_an_unknown_account_is_refused(gateway_client):
    with pytest.raises(client.UnauthorizedError):
        gateway_client.fetch(KEYS, SINCE, NOW, Account("other", "1234567", "wrong"))


def test_429_tells_how_long_to_wait(gateway, gateway_client):
    gateway.faults.set({"throttled": 1})

    with pytest.raises(client.ThrottledError) as caught:
        _fetch(gateway_client)
    assert caught.value.retry_after_s == RETRY_AFTER_S


def test_server_errors_tell_their_status(gateway, gateway_client):
    gateway.faults.set({"unavailable": 3})
    statuses = set()
    for _ in range(3):
        with pytest.raises(client.GatewayUnavailableError) as caught:
            _fetch(gateway_client)
        statuses.add(caught.value.status)

    assert statuses == {500, 503, 541}


def test_empty_200_is_asked_again(gateway, gateway_client, pauses):
    gateway.faults.set({"empty": 2})

    assert _fetch(gateway_client).payloads
    assert pauses == [2, 4]


def test_empty_200_to_the_end(gateway, gateway_client, pauses):
    gateway.faults.set({"empty": 6})

    with pytest.raises(client.EmptyAnswerError):
        _fetch(gateway_client)
    assert pauses == [2, 4, 6, 8, 10]
    assert gateway.faults.pending() == {}


def test_missing_locations_mean_none(gateway, gateway_client):
    gateway.faults.set({"missing_locations": 1})

    assert _fetch(gateway_client) == client.FetchAnswer({}, ())


def test_an_id_never_asked_for_is_set_apart(gateway, gateway_client):
    gateway.faults.set({"foreign_id": 1})

    answer = _fetch(gateway_client)
    assert answer.payloads
    assert [piece.reason for piece in answer.rejected] == [Rejection.UNREQUESTED_ID]
    assert len(answer.rejected[0].content) == 88
    assert answer.rejected[0].hashed_key not in KEYS


def test_truncated_body(gateway, gateway_client):
    gateway.faults.set({"truncated": 1})

    with pytest.raises(client.MalformedAnswerError):
        _fetch(gateway_client)
    assert _fetch(gateway_client).payloads


def test_a_bad_tag_costs_only_its_report(gateway, gateway_client):
    gateway.faults.set({"bad_tag": 1})
    answer = _fetch(gateway_client)

    failures, successes = 0, 0
    for pair in PAIRS:
        private_key = advertisement.load_private_key(pair.private_key)
        for sealed in answer.payloads.get(pair.hashed_key, []):
            try:
                payload.decrypt(sealed, private_key)
                successes += 1
            except payload.BadTagError:
                failures += 1
    assert failures == 1
    assert successes > 10


def test_a_slow_answer_is_given_up(gateway, gateway_client):
    gateway.faults.set({"slow": 1})

    with pytest.raises(client.GatewayUnavailableError):
        _fetch(gateway_client)


def test_nobody_listens(shape):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/"
        lonely = GatewayClient(url, anisette_url=url, clock=timezone.now, shape=shape)
        with lonely, pytest.raises(client.GatewayUnavailableError):
            _fetch(lonely)


def test_a_proxy_is_not_asked_for_this_machine(gateway, monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)

    with GatewayClient(gateway.fetch_url(), anisette_url=gateway.url, clock=timezone.now) as direct:
        assert _fetch(direct).payloads


def _self_signed(folder):
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    began = datetime.now(UTC) - timedelta(days=1)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(began)
        .not_valid_after(began + timedelta(days=2))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    file = folder / "server.pem"
    plain = (Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file.write_bytes(key.private_bytes(*plain) + certificate.public_bytes(Encoding.PEM))
    return file


def test_a_certificate_nobody_vouches_for_is_refused(tmp_path, gateway):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(_self_signed(tmp_path))
    server = HTTPServer(("127.0.0.1", 0), _Recorder)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = Thread(target=server.handle_request)
    thread.start()
    try:
        url = f"https://localhost:{server.server_port}/"
        strict = GatewayClient(url, anisette_url=gateway.url, clock=timezone.now)
        with strict, pytest.raises(client.GatewayUnavailableError, match="CERTIFICATE_VERIFY_FAILED"):
            _fetch(strict)
    finally:
        thread.join()
        server.server_close()


def test_answers_are_bounded(gateway, shape):
    url = gateway.fetch_url(shape)
    narrow = GatewayClient(
        url, anisette_url=gateway.url, clock=timezone.now, shape=shape, max_answer_bytes=1000
    )
    with narrow, pytest.raises(client.MalformedAnswerError, match="1000"):
        _fetch(narrow)


def test_naive_moments_are_refused(gateway_client):
    with pytest.raises(ValueError, match="aware"):
        gateway_client.fetch(KEYS, SINCE.replace(tzinfo=None), NOW, ACCOUNT)


def test_repr_of_an_account_hides_its_token():
    assert ACCOUNT.search_party_token not in repr(ACCOUNT)


class _Recorder(BaseHTTPRequestHandler):
    """Answers what the test laid ready and remembers the last request."""

    status, answer, extra = 200, b"", {}
    anisette = b'{"X-Apple-I-MD": "b3Rw", "X-Apple-I-MD-M": "bWFjaGluZQ=="}'
    seen_headers, seen_body, anisette_requests = {}, {}, 0

    def do_GET(self):
        type(self).anisette_requests += 1
        self._reply(200, self.anisette, {})

    def do_POST(self):
        type(self).seen_headers = dict(self.headers)
        type(self).seen_body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self._reply(self.status, self.answer, self.extra)

    def _reply(self, status, body, headers):
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format, *args):
        pass


@pytest.fixture
def recorder():
    handler = type("Recorder", (_Recorder,), {})
    server = HTTPServer(("127.0.0.1", 0), handler)
    thread = Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    handler.url = f"http://127.0.0.1:{server.server_port}/"
    yield handler
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def ask(recorder):
    def fetch(answer: bytes, shape: Shape = Shape.V2, keys=KEYS):
        recorder.answer = answer
        with GatewayClient(
            recorder.url, anisette_url=recorder.url, clock=timezone.now, shape=shape, empty_retry_s=()
        ) as asking:
            return _fetch(asking, keys)

    return fetch


def _v2(payloads, status="200"):
    return json.dumps({"acsnLocations": {"statusCode": status, "locationPayload": payloads}}).encode()


def test_the_v2_request_is_as_the_official_client_writes_it(ask, recorder):
    ask(b"{}", keys=KEYS[:2])

    start_ms, end_ms = int(SINCE.timestamp() * 1000), int(NOW.timestamp() * 1000)
    assert recorder.seen_body["clientContext"] == {
        "clientBundleIdentifier": "com.apple.icloud.searchpartyuseragent",
        "policy": "foregroundClient",
    }
    assert recorder.seen_body["fetch"] == [
        {
            "ownedDeviceIds": [],
            "keyType": 1,
            "startDate": start_ms,
            "startDateSecondary": start_ms,
            "endDate": end_ms,
            "primaryIds": [key],
            "secondaryIds": [],
        }
        for key in KEYS[:2]
    ]


def test_the_legacy_request(ask, recorder):
    ask(b'{"statusCode": "200"}', Shape.LEGACY)

    assert recorder.seen_body["search"][0]["ids"] == KEYS


def test_the_headers_of_a_request(ask, recorder):
    ask(b"{}")
    headers = recorder.seen_headers

    assert headers[protocol.ANISETTE_OTP] == "b3Rw"
    assert headers[protocol.ANISETTE_MACHINE] == "bWFjaGluZQ=="
    assert headers[protocol.ANISETTE_ROUTING] == "17106176"
    assert headers[protocol.ANISETTE_SERIAL] == "0"
    assert headers[protocol.ANISETTE_DEVICE] == ACCOUNT.device_id == ACCOUNT.device_id.upper()
    assert base64.b64decode(headers[protocol.ANISETTE_USER]).decode() == ACCOUNT.user_id
    basic = base64.b64encode(f"{ACCOUNT.dsid}:{ACCOUNT.search_party_token}".encode()).decode()
    assert headers["Authorization"] == f"Basic {basic}"


def test_anisette_headers_are_kept_for_a_while_and_renewed_after_a_401(recorder):
    recorder.answer = b"{}"
    with GatewayClient(recorder.url, anisette_url=recorder.url, clock=timezone.now) as asking:
        _fetch(asking)
        _fetch(asking)
        assert recorder.anisette_requests == 1
        recorder.status = 401
        with pytest.raises(client.UnauthorizedError):
            _fetch(asking)
        recorder.status = 200
        _fetch(asking)
    assert recorder.anisette_requests == 2


@pytest.mark.parametrize("anisette", [b"", b"[]", b"{}", b'{"X-Apple-I-MD": "b3Rw"}'])
def test_a_useless_anisette_answer(ask, recorder, anisette):
    recorder.anisette = anisette

    with pytest.raises(client.MalformedAnswerError, match="anisette"):
        ask(b"{}")


@pytest.mark.parametrize(
    ("shape", "answer"),
    [
        (Shape.V2, b"<html>"),
        (Shape.V2, b"[]"),
        (Shape.V2, b"\xff\xfe{"),
        (Shape.V2, b"[" * 100_000),
        (Shape.V2, b'{"acsnLocations": []}'),
        (Shape.V2, b'{"acsnLocations": {}}'),
        (Shape.V2, b'{"acsnLocations": {"statusCode": "200", "locationPayload": {}}}'),
        (Shape.V2, _v2([], status="500")),
        (Shape.V2, b'{"statusCode": "401"}'),
        (Shape.LEGACY, b'{"statusCode": "500", "results": []}'),
        (Shape.LEGACY, b'{"statusCode": "200", "results": {}}'),
        (Shape.LEGACY, b'{"results": []}'),
    ],
)
def test_answers_of_another_shape(ask, shape, answer):
    with pytest.raises(client.MalformedAnswerError):
        ask(answer, shape)


@pytest.mark.parametrize(
    ("entry", "reason", "content"),
    [
        ({"id": KEYS[0], "locationInfo": ["?"]}, Rejection.BAD_BASE64, b"?"),
        ({"id": KEYS[0], "locationInfo": ["AAA"]}, Rejection.BAD_BASE64, b"AAA"),
        ({"id": KEYS[0], "locationInfo": [5]}, Rejection.MALFORMED_ENTRY, json.dumps([KEYS[0], 5]).encode()),
        ({"locationInfo": ["AAAA"]}, Rejection.MALFORMED_ENTRY, b'[null, "AAAA"]'),
        ({"id": KEYS[0], "locationInfo": "AAAA"}, Rejection.MALFORMED_ENTRY, None),
        (7, Rejection.MALFORMED_ENTRY, b"[null, 7]"),
        ({"id": "other", "locationInfo": ["AAAA"]}, Rejection.UNREQUESTED_ID, bytes(3)),
    ],
)
def test_a_bad_piece_costs_only_itself(ask, entry, reason, content):
    answer = ask(_v2([entry, {"id": KEYS[1], "locationInfo": ["AQID", "AQID"]}]))

    assert answer.payloads == {KEYS[1]: [b"\1\2\3", b"\1\2\3"]}
    assert [piece.reason for piece in answer.rejected] == [reason]
    assert content is None or answer.rejected[0].content == content


def test_bad_entries_of_a_legacy_answer(ask):
    results = [{"id": KEYS[0], "payload": "AQID"}, {"id": KEYS[0]}, "x", {"id": "other", "payload": "AQID"}]
    answer = ask(json.dumps({"statusCode": "200", "results": results}).encode(), Shape.LEGACY)

    assert answer.payloads == {KEYS[0]: [b"\1\2\3"]}
    assert [piece.reason for piece in answer.rejected] == [
        Rejection.MALFORMED_ENTRY,
        Rejection.MALFORMED_ENTRY,
        Rejection.UNREQUESTED_ID,
    ]


def test_a_redirect_is_not_followed(ask, recorder):
    recorder.status, recorder.extra = 302, {"Location": "http://192.0.2.1/"}

    with pytest.raises(client.MalformedAnswerError, match="302"):
        ask(b"")


@pytest.mark.parametrize(
    ("value", "least", "most"),
    [("12", 12, 12), ("soon", None, None), ("Thu, 01 Jan 2026 00:00:00 GMT", 0, 0)],
)
def test_retry_after(ask, recorder, value, least, most):
    recorder.status, recorder.extra = 429, {"Retry-After": value}

    with pytest.raises(client.ThrottledError) as caught:
        ask(b"")
    if least is None:
        assert caught.value.retry_after_s is None
    else:
        assert least <= caught.value.retry_after_s <= most


def test_anisette_headers_are_renewed_when_their_time_is_over_by_the_clock(recorder):
    recorder.answer = b"{}"
    moment = NOW
    with GatewayClient(recorder.url, anisette_url=recorder.url, clock=lambda: moment) as asking:
        _fetch(asking)
        assert recorder.seen_headers[protocol.ANISETTE_TIME] == f"{NOW:%Y-%m-%dT%H:%M:%SZ}"
        moment = NOW + timedelta(seconds=29)
        _fetch(asking)
        assert recorder.anisette_requests == 1
        assert recorder.seen_headers[protocol.ANISETTE_TIME] == f"{moment:%Y-%m-%dT%H:%M:%SZ}"
        moment = NOW + timedelta(seconds=30)
        _fetch(asking)
        assert recorder.anisette_requests == 2


def test_retry_after_as_a_date_to_come(ask, recorder):
    moment = datetime.now(UTC) + timedelta(seconds=90)
    recorder.status, recorder.extra = 429, {"Retry-After": moment.strftime("%a, %d %b %Y %H:%M:%S GMT")}

    with pytest.raises(client.ThrottledError) as caught:
        ask(b"")
    assert 60 < caught.value.retry_after_s <= 90
