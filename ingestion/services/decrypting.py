"""From payloads as the gateway hands them out to reports, in this process: Celery's processes use the cores."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial
from operator import attrgetter
from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric import ec

from foundation.batching import batches_of_groups
from ingestion.findmy import payload as codec
from ingestion.findmy.client import FetchAnswer, RejectedEntry, Rejection
from keys.services import rotating, unsealing
from keys.vault import VaultError
from trackers import selectors
from trackers.incoming import IncomingRejection, IncomingReport, ReportIdentity, fingerprint_of, implausible
from trackers.models import LocationReport, RejectedReport

# This many are decrypted while as many are recorded: a transaction's worth.
PAYLOADS_PER_BATCH = 2_500
SOURCE = LocationReport.Source.FIND_MY.value
Reason = RejectedReport.Reason

_REASON_OF_ERROR: dict[type[codec.PayloadError], Reason] = {
    codec.EmptyPayloadError: Reason.MALFORMED,
    codec.WrongLengthError: Reason.MALFORMED,
    codec.OffCurvePointError: Reason.UNDECRYPTABLE,
    codec.BadTagError: Reason.UNDECRYPTABLE,
    codec.LatitudeOutOfRangeError: Reason.IMPLAUSIBLE,
    codec.LongitudeOutOfRangeError: Reason.IMPLAUSIBLE,
}
_REASON_OF_ENTRY = {
    Rejection.UNREQUESTED_ID: (Reason.UNKNOWN_KEY, "came under a key that was not asked for"),
    Rejection.BAD_BASE64: (Reason.MALFORMED, "is no base64"),
    Rejection.MALFORMED_ENTRY: (Reason.MALFORMED, "is no entry of an answer"),
}


class SealedPayload(NamedTuple):
    tracker_id: int
    hashed_key: str
    payload: bytes


class Decrypted(NamedTuple):
    reports: list[IncomingReport]
    rejections: list[IncomingRejection]


def sealed_payloads(
    answers: Iterable[FetchAnswer], *, tracker_of_key: Mapping[str, int]
) -> list[SealedPayload]:
    """The payloads of answers, each with the tracker whose key it came under."""
    return [
        SealedPayload(tracker_of_key[hashed_key], hashed_key, payload)
        for answer in answers
        for hashed_key, payloads in answer.payloads.items()
        for payload in payloads
    ]


def without_known(sealed: Sequence[SealedPayload]) -> list[SealedPayload]:
    """Leave out payloads that are stored already or come twice: most of what the gateway repeats.

    What tells them apart is in clear, so that nothing is decrypted in vain. Malformed ones are left in.
    """
    unreadable = []
    readable: dict[ReportIdentity, SealedPayload] = {}
    for item in sealed:
        try:
            seen_at = codec.parse(item.payload).seen_at
        except codec.PayloadError:
            unreadable.append(item)
        else:
            identity = ReportIdentity(item.tracker_id, seen_at, fingerprint_of(item.payload))
            readable.setdefault(identity, item)
    for identity in selectors.stored_among(list(readable)):
        del readable[identity]
    return unreadable + list(readable.values())


def decrypt_payloads(sealed: Iterable[SealedPayload], *, purpose: str, now: datetime) -> Iterator[Decrypted]:
    """Decrypt payloads, each key unsealed once, in batches of whole trackers. What can't be used is rejected and costs
    only itself.

    A batch is decrypted by a thread while the caller records the one before: then this process would only wait for
    PostgreSQL. purpose: why private keys are unsealed, for the vault's records.
    """
    of_tracker = attrgetter("tracker_id")
    waiting = sorted(sealed, key=of_tracker)
    if not waiting:
        return
    hashed_keys = sorted({item.hashed_key for item in waiting})
    private_keys = unsealing.unseal_private_keys(hashed_keys=hashed_keys, purpose=purpose)
    ahead = ThreadPoolExecutor(max_workers=1)
    try:
        yield from ahead.map(
            partial(_decrypt_batch, private_keys, now),
            batches_of_groups(waiting, by=of_tracker, size=PAYLOADS_PER_BATCH),
        )
    finally:
        ahead.shutdown(cancel_futures=True)


def _decrypt_batch(
    private_keys: Mapping[str, ec.EllipticCurvePrivateKey], now: datetime, batch: Sequence[SealedPayload]
) -> Decrypted:
    decrypted = Decrypted([], [])
    for item in batch:
        private_key = private_keys.get(item.hashed_key)
        if private_key is None:
            decrypted.rejections.append(
                _rejection(item, Reason.UNDECRYPTABLE, "the key could not be unsealed")
            )
            continue
        try:
            report = codec.decrypt(item.payload, private_key)
        except codec.PayloadError as error:
            decrypted.rejections.append(
                _rejection(item, _REASON_OF_ERROR[type(error)], f"{error.code}: {error}")
            )
            continue
        problem = implausible(
            seen_at=report.seen_at,
            latitude=report.latitude,
            longitude=report.longitude,
            accuracy_m=report.accuracy_m,
            now=now,
        )
        if problem:
            decrypted.rejections.append(_rejection(item, Reason.IMPLAUSIBLE, problem))
            continue
        decrypted.reports.append(_report(item, report))
    return decrypted


def lacks_master_keys() -> bool:
    """Whether something is sealed by a master key that this process does not have, so that it can't be decrypted."""
    try:
        return bool(rotating.unlisted_key_ids())
    except VaultError:
        return True


def reject_entries(
    entries: Iterable[RejectedEntry], *, tracker_of_key: Mapping[str, int]
) -> list[IncomingRejection]:
    """Rejections for the entries of an answer that were no payloads of a key asked for."""
    rejections = []
    for entry in entries:
        reason, detail = _REASON_OF_ENTRY[entry.reason]
        hashed_key = entry.hashed_key
        if len(hashed_key) > 44 or not (hashed_key.isascii() and hashed_key.isprintable()):
            hashed_key, detail = "", f"{detail}; its id is {ascii(hashed_key)[:100]}"
        rejections.append(
            IncomingRejection(
                tracker_id=tracker_of_key.get(hashed_key),
                source=SOURCE,
                hashed_key=hashed_key,
                payload=entry.content,
                reason=reason,
                detail=detail,
            )
        )
    return rejections


def _report(item: SealedPayload, report: codec.DecryptedReport) -> IncomingReport:
    return IncomingReport(
        tracker_id=item.tracker_id,
        seen_at=report.seen_at,
        fingerprint=fingerprint_of(item.payload),
        latitude=report.latitude,
        longitude=report.longitude,
        accuracy_m=float(report.accuracy_m),
        confidence=report.confidence,
        battery=report.battery.value if report.battery else "",
        source=SOURCE,
        payload=item.payload,
        hashed_key=item.hashed_key,
    )


def _rejection(item: SealedPayload, reason: Reason, detail: str) -> IncomingRejection:
    return IncomingRejection(item.tracker_id, SOURCE, item.hashed_key, item.payload, reason.value, detail)
