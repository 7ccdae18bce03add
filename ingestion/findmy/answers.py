"""Request bodies and answers of the gateway in both shapes. Pure: JSON values in, values out."""

import base64
import binascii
import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from ingestion.findmy import protocol
from ingestion.findmy.errors import MalformedAnswerError
from ingestion.findmy.protocol import Shape


class Rejection(StrEnum):
    """Why an entry of an answer is not handed on as a payload."""

    UNREQUESTED_ID = "unrequested_id"
    BAD_BASE64 = "bad_base64"
    MALFORMED_ENTRY = "malformed_entry"


@dataclass(frozen=True, slots=True)
class RejectedEntry:
    """An entry of an answer to be stored for ops. content: the payload, or the raw text if it is none."""

    hashed_key: str
    content: bytes
    reason: Rejection


@dataclass(frozen=True, slots=True)
class FetchAnswer:
    """payloads: by hashed key, in the order received, repeats included; keys without reports are absent."""

    payloads: dict[str, list[bytes]]
    rejected: tuple[RejectedEntry, ...]


def build_request(shape: Shape, hashed_keys: Sequence[str], start: datetime, end: datetime) -> dict[str, Any]:
    """Return the JSON body that asks for these keys; start and end are aware.

    In v2 every static key travels as a `fetch` entry of its own: one list takes only some 290.
    """
    start_ms, end_ms = int(start.timestamp() * 1000), int(end.timestamp() * 1000)
    if shape is Shape.LEGACY:
        return {"search": [{"startDate": start_ms, "endDate": end_ms, "ids": list(hashed_keys)}]}
    return {
        "clientContext": protocol.CLIENT_CONTEXT,
        "fetch": [
            {
                "ownedDeviceIds": [],
                "keyType": protocol.STATIC_KEY_TYPE,
                "startDate": start_ms,
                "startDateSecondary": start_ms,
                "endDate": end_ms,
                "primaryIds": [hashed_key],
                "secondaryIds": [],
            }
            for hashed_key in hashed_keys
        ],
    }


def parse_answer(shape: Shape, body: bytes, asked: Collection[str]) -> FetchAnswer:
    """Sort an answer's reports by key and put apart what was never asked for or can't be read.

    Raises MalformedAnswerError if the answer as a whole is not what the shape promises.
    """
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise MalformedAnswerError("the answer is no JSON, or is cut off") from error
    if not isinstance(document, dict):
        raise MalformedAnswerError("the answer is no JSON object")
    entries = _legacy_entries(document) if shape is Shape.LEGACY else _v2_entries(document)
    payloads: dict[str, list[bytes]] = {}
    rejected: list[RejectedEntry] = []
    for hashed_key, raw in entries:
        if not isinstance(hashed_key, str) or not isinstance(raw, str):
            rejected.append(_malformed(hashed_key, raw))
            continue
        try:
            payload = base64.b64decode(raw, validate=True)
        except (binascii.Error, ValueError):
            rejected.append(RejectedEntry(hashed_key, _raw(raw), Rejection.BAD_BASE64))
            continue
        if hashed_key in asked:
            payloads.setdefault(hashed_key, []).append(payload)
        else:
            rejected.append(RejectedEntry(hashed_key, payload, Rejection.UNREQUESTED_ID))
    return FetchAnswer(payloads, tuple(rejected))


def _v2_entries(document: dict[str, Any]) -> Iterator[tuple[Any, Any]]:
    locations = document.get("acsnLocations")
    if locations is None:
        _require_ok(document.get("statusCode", protocol.STATUS_OK))
        return
    if not isinstance(locations, dict):
        raise MalformedAnswerError("acsnLocations is no object")
    _require_ok(locations.get("statusCode"))
    for entry in _list(locations.get("locationPayload")):
        found = (entry.get("locationInfo") or []) if isinstance(entry, dict) else entry
        if not isinstance(entry, dict) or not isinstance(found, list):
            yield None, entry
            continue
        for raw in found:
            yield entry.get("id"), raw


def _legacy_entries(document: dict[str, Any]) -> Iterator[tuple[Any, Any]]:
    _require_ok(document.get("statusCode"))
    for entry in _list(document.get("results")):
        if isinstance(entry, dict):
            yield entry.get("id"), entry.get("payload")
        else:
            yield None, entry


def _require_ok(status: Any) -> None:
    if str(status) != protocol.STATUS_OK:
        raise MalformedAnswerError(f"the answer itself says status {str(status)[:40]!r}")


def _list(value: Any) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise MalformedAnswerError("the answer's reports are no list")
    return value


def _malformed(hashed_key: Any, raw: Any) -> RejectedEntry:
    name = hashed_key if isinstance(hashed_key, str) else ""
    return RejectedEntry(name, _raw(json.dumps([hashed_key, raw])), Rejection.MALFORMED_ENTRY)


def _raw(text: str) -> bytes:
    return text.encode("utf-8", "backslashreplace")
