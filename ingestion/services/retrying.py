"""Second chances for rejected reports, once their cause is repaired: a key imported, a codec improved, a bug fixed."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from ingestion.services import decrypting
from ingestion.services.decrypting import SealedPayload
from keys.models import KeyPair
from trackers.incoming import IncomingRejection, IncomingReport
from trackers.models import LocationReport, RejectedReport
from trackers.services.reports import recording

RETRIES_PER_CALL = 1000


@dataclass(slots=True)
class RetryOutcome:
    """resolved: stored now, or known already. rejected: once more, with the reason of today."""

    resolved: int = 0
    rejected: int = 0


def retry_rejected(*, ids: Collection[int], now: datetime) -> RetryOutcome:
    """Decrypt and record rejected Find My reports again; those that are stored then are marked as resolved.

    Rows that are resolved already, of another source or beyond the first 1,000 are left alone.
    """
    rows = list(
        RejectedReport.objects.filter(pk__in=ids, resolved_at=None, source=decrypting.SOURCE).order_by("pk")[
            :RETRIES_PER_CALL
        ]
    )
    trackers = _tracker_of_key({row.hashed_key for row in rows})
    sealed = [
        SealedPayload(trackers[row.hashed_key], row.hashed_key, bytes(row.payload))
        for row in rows
        if row.hashed_key in trackers
    ]
    resolved = 0
    for decrypted in decrypting.decrypt_payloads(sealed, purpose="retry", now=now):
        recording.record_reports(decrypted.reports, now=now)
        _renew_reasons(rows, decrypted.rejections)
        resolved += _mark_resolved(rows, decrypted.reports, now)
    return RetryOutcome(resolved=resolved, rejected=len(rows) - resolved)


def _tracker_of_key(hashed_keys: Collection[str]) -> dict[str, int]:
    pairs = KeyPair.objects.filter(hashed_key__in=hashed_keys, tracker__isnull=False)
    return {
        hashed_key: tracker_id
        for hashed_key, tracker_id in pairs.values_list("hashed_key", "tracker_id")
        if tracker_id
    }


def _renew_reasons(rows: Collection[RejectedReport], rejections: Collection[IncomingRejection]) -> None:
    """Not by `record_rejections`: a retry is no further occurrence."""
    found = {(rejection.hashed_key, rejection.payload): rejection for rejection in rejections}
    renewed = []
    for row in rows:
        rejection = found.get((row.hashed_key, bytes(row.payload)))
        if rejection:
            row.tracker_id = rejection.tracker_id
            row.reason, row.detail = rejection.reason, rejection.detail
            renewed.append(row)
    RejectedReport.objects.bulk_update(renewed, ["tracker", "reason", "detail"])


def _mark_resolved(
    rows: Collection[RejectedReport], reports: Collection[IncomingReport], now: datetime
) -> int:
    """Those whose report is in the store, whoever put it there."""
    identities = {
        (report.tracker_id, report.seen_at, report.fingerprint): report.payload for report in reports
    }
    if not identities:
        return 0
    stored = LocationReport.objects.filter(pk__in=list(identities)).values_list("pk", flat=True)
    payloads = {identities[(tracker_id, seen_at, bytes(print_))] for tracker_id, seen_at, print_ in stored}
    return RejectedReport.objects.filter(
        pk__in=[row.pk for row in rows if bytes(row.payload) in payloads]
    ).update(resolved_at=now)
