import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from django.utils import timezone

from ingestion.findmy import protocol
from ingestion.findmy.anisette import Account, AnisetteServer
from ingestion.findmy.answers import build_request
from ingestion.findmy.protocol import Shape
from simulation.findmy.gateway import LocalGateway
from tests.simulation.findmy import worlds

REPOSITORY = Path(__file__).resolve().parents[3]
PAIRS = [worlds.key_pair(number) for number in range(1, 6)]
KEYS = [pair.hashed_key for pair in PAIRS]
ACCOUNT = Account("demo", "1234567", "token-of-the-demo")
NOW = worlds.WHEN_ALL_IS_PUBLISHED


@pytest.fixture
def gateway() -> Iterator[LocalGateway]:
    plan = worlds.plan([worlds.tracker([pair]) for pair in PAIRS])
    with LocalGateway(plan, clock=lambda: NOW) as running:
        yield running


@pytest.fixture
def session() -> Iterator[requests.Session]:
    with requests.Session() as running:
        yield running


@pytest.fixture
def headers(gateway, session) -> dict[str, str]:
    return AnisetteServer(gateway.url, session=session, timeout_s=(5, 5), clock=timezone.now).headers(ACCOUNT)


def _post(session, gateway, headers, *, shape=Shape.V2, keys=KEYS, auth=("1234567", "token")):
    body = build_request(shape, keys, worlds.STARTED_AT, NOW)
    return session.post(gateway.fetch_url(shape), json=body, headers=headers, auth=auth, timeout=5)


def test_the_v2_answer(session, gateway, headers):
    answer = _post(session, gateway, headers).json()

    locations = answer["acsnLocations"]
    assert locations["statusCode"] == "200"
    assert {entry["id"] for entry in locations["locationPayload"]} == set(KEYS)
    assert all(len(entry["locationInfo"]) == 20 for entry in locations["locationPayload"])


def test_the_legacy_answer_is_capped_as_a_whole(session, gateway, headers):
    answer = _post(session, gateway, headers, shape=Shape.LEGACY).json()

    assert answer["statusCode"] == "200"
    assert len(answer["results"]) == protocol.LEGACY_ANSWER_LIMIT
    assert {result["description"] for result in answer["results"]} == {"found"}


@pytest.mark.parametrize(
    "missing",
    [
        protocol.ANISETTE_OTP,
        protocol.ANISETTE_MACHINE,
        protocol.ANISETTE_USER,
        protocol.ANISETTE_ROUTING,
        protocol.ANISETTE_DEVICE,
        protocol.ANISETTE_TIME,
    ],
)
def test_a_request_without_an_anisette_header_is_refused(session, gateway, headers, missing):
    del headers[missing]

    assert _post(session, gateway, headers).status_code == 401


@pytest.mark.parametrize("auth", [None, ("", "token"), ("dsid", "")])
def test_a_request_without_an_account_is_refused(session, gateway, headers, auth):
    assert _post(session, gateway, headers, auth=auth).status_code == 401
    assert gateway.stats()["counts"]["refused"] == 1


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("findmyservice/v2/fetch", b"{", 400),
        ("findmyservice/v2/fetch", b"{}", 400),
        ("findmyservice/v2/fetch", b"[]", 400),
        ("elsewhere", b"{}", 404),
        ("control/faults", b'{"fire": 1}', 400),
        ("control/faults", b"5", 400),
    ],
)
def test_bad_requests(session, gateway, headers, path, body, status):
    response = session.post(gateway.url + path, data=body, headers=headers, auth=("d", "t"), timeout=5)

    assert response.status_code == status


def test_faults_and_stats_over_http(session, gateway, headers):
    planned = session.post(gateway.url + "control/faults", json={"throttled": 1, "empty": 0.0}, timeout=5)
    assert planned.json()["pending_faults"] == {"throttled": 1}

    assert _post(session, gateway, headers).status_code == 429
    assert _post(session, gateway, headers).status_code == 200

    stats = session.get(gateway.url + "control/stats", timeout=5).json()
    assert stats["counts"] == {
        "anisette": 1,
        "fault_throttled": 1,
        "fetch_v2": 2,
        "keys_asked": 5,
        "reports_served": 100,
    }
    assert stats["keys"] == 5


def test_a_connection_is_kept(session, gateway, headers):
    began = time.monotonic()
    for _ in range(50):
        _post(session, gateway, headers, keys=KEYS[:1])

    assert time.monotonic() - began < 2


def test_it_moves_on_from_a_taken_port(gateway):
    plan = worlds.plan([])
    with LocalGateway(plan, port=gateway.port) as other:
        assert gateway.port < other.port <= gateway.port + 100


def test_the_command_serves_until_it_is_told_to_stop(tmp_path):
    plan, port_file = tmp_path / "plan.json", tmp_path / "port"
    plan.write_text(json.dumps(worlds.document([worlds.tracker([PAIRS[0]])])))
    with _command("--plan", plan, "--port", "0", "--port-file", port_file, "--fault", "empty=2") as process:
        try:
            url = f"http://127.0.0.1:{_port(port_file, process)}/control/stats"
            assert requests.get(url, timeout=5).json()["pending_faults"] == {"empty": 2}
            process.send_signal(signal.SIGTERM)
            output, errors = process.communicate(timeout=15)
        finally:
            process.kill()
    assert (process.returncode, errors) == (0, "")
    assert output.startswith("Find My gateway on http://127.0.0.1:")
    assert not port_file.exists()


@pytest.mark.parametrize(
    "options",
    [
        ["--plan", "missing.json"],
        ["--plan", "PLAN", "--fault", "fire=1"],
        ["--plan", "PLAN", "--account", "x"],
    ],
)
def test_the_command_says_what_is_wrong(tmp_path, options):
    plan = tmp_path / "plan.json"
    plan.write_text(json.dumps(worlds.document([])))

    with _command(*(plan if option == "PLAN" else option for option in options), "--port", "0") as process:
        _, errors = process.communicate(timeout=30)

    assert process.returncode == 1
    assert errors.startswith("CommandError: ")


def _port(port_file: Path, process: subprocess.Popen[str]) -> int:
    deadline = time.monotonic() + 30
    while not port_file.exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    return int(port_file.read_text())


def _command(*options: object) -> subprocess.Popen[str]:
    environment = {"DEBUG": "true", **os.environ, "DJANGO_SETTINGS_MODULE": "config.settings"}
    return subprocess.Popen(
        [sys.executable, "manage.py", "findmy_gateway", *map(str, options)],
        cwd=REPOSITORY,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
