"""The measurements. Each takes what it needs ready-made and times nothing but its own work."""

import base64
import json
import resource
import struct
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from typing import NamedTuple, TypeVar

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.db import transaction

from foundation import bulk
from ingestion.findmy import answers, payload
from ingestion.findmy.protocol import Shape
from ingestion.services import decrypting, storing
from locations import matching
from trackers.incoming import IncomingReport, RecordOutcome
from trackers.models import LocationReport

Result = TypeVar("Result")

REPORT_COLUMNS = {
    "tracker_id": "int8",
    "seen_at": "timestamptz",
    "fingerprint": "bytea",
    "position": "bytea",
    "accuracy_m": "float8",
    "confidence": "int2",
    "battery": "text",
    "source": "text",
    "received_at": "timestamptz",
}


class Sealed(NamedTuple):
    payload: bytes
    private_key: ec.EllipticCurvePrivateKey


def timed(work: Callable[[], Result]) -> tuple[float, Result]:
    """Seconds that `work` takes, and its result."""
    begin = time.perf_counter()
    result = work()
    return time.perf_counter() - begin, result


def answer_body(made: dict[str, list[bytes]]) -> bytes:
    """A v2 answer of the gateway that holds these payloads by hashed key."""
    found = [
        {"id": hashed_key, "locationInfo": [base64.b64encode(item).decode() for item in items]}
        for hashed_key, items in made.items()
    ]
    document = {
        "configVersion": 1,
        "acsnLocations": {"statusCode": "200", "configVersion": 1, "locationPayload": found},
    }
    return json.dumps(document).encode()


def pipeline(body: bytes, tracker_of_key: Mapping[str, int], *, now: datetime) -> RecordOutcome:
    """What a worker does from the gateway's answer to the stored history."""
    answer = answers.parse_answer(Shape.V2, body, tracker_of_key.keys())
    return storing.store_answers([answer], tracker_of_key=tracker_of_key, purpose="benchmark", now=now)


def reports_in(body: bytes, tracker_of_key: Mapping[str, int], *, now: datetime) -> list[IncomingReport]:
    """The reports in an answer, decrypted and stored nowhere."""
    answer = answers.parse_answer(Shape.V2, body, tracker_of_key.keys())
    sealed = decrypting.sealed_payloads([answer], tracker_of_key=tracker_of_key)
    batches = decrypting.decrypt_payloads(sealed, purpose="benchmark", now=now)
    return [report for decrypted in batches for report in decrypted.reports]


def decrypt(sealed: Sequence[Sealed]) -> None:
    for item in sealed:
        payload.decrypt(item.payload, item.private_key)


def decrypt_limit(sealed: Sequence[Sealed]) -> None:
    """The bare calls into `cryptography` that no decryption can do without, with the keys at hand."""
    curve, ecdh = ec.SECP224R1(), ec.ECDH()
    for item in sealed:
        start = len(item.payload) - 83
        point = item.payload[start : start + 57]
        ephemeral = ec.EllipticCurvePublicKey.from_encoded_point(curve, point)
        shared = item.private_key.exchange(ecdh, ephemeral)
        digest = sha256(shared + b"\x00\x00\x00\x01" + point).digest()
        AESGCM(digest[:16]).decrypt(digest[16:], item.payload[start + 57 :], None)


def copy_limit(reports: Sequence[IncomingReport], *, now: datetime) -> float:
    """Seconds of a bare COPY of these reports into the table of reports; nothing is kept."""
    rows = [
        (
            report.tracker_id,
            report.seen_at,
            report.fingerprint,
            _point(report),
            report.accuracy_m,
            report.confidence,
            report.battery,
            report.source,
            now,
        )
        for report in reports
    ]
    with transaction.atomic():
        seconds, _ = timed(lambda: bulk.copy_rows(LocationReport._meta.db_table, REPORT_COLUMNS, rows))
        transaction.set_rollback(True)
    return seconds


def match(reports: Sequence[IncomingReport], run_of_tracker: dict[int, int]) -> list[matching.Match]:
    return matching.match(
        [
            matching.Point(
                run_of_tracker[report.tracker_id],
                report.seen_at,
                report.longitude,
                report.latitude,
                min(report.accuracy_m or 0.0, 100.0),
            )
            for report in reports
        ]
    )


def peak_rss_mb() -> float:
    """The most memory that this process has held so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _point(report: IncomingReport) -> bytes:
    """EWKB of a point in WGS84."""
    return struct.pack("<BIIdd", 1, 0x20000001, 4326, report.longitude, report.latitude)
