"""Second chances for rejected reports, once their cause is repaired: a key imported, a codec improved, a bug fixed."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from ingestion.services import decrypting
from ingestion.services.decrypting import SealedPayload
from keys.models import KeyPair
from trackers.models import RejectedReport
from trackers.services import reports

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
        reports.record_reports(decrypted.reports, now=now)
        reports.renew_reasons(rows=rows, rejections=decrypted.rejections)
        resolved += reports.resolve_stored(rows=rows, reports=decrypted.reports, now=now)
    return RetryOutcome(resolved=resolved, rejected=len(rows) - resolved)


def _tracker_of_key(hashed_keys: Collection[str]) -> dict[str, int]:
    pairs = KeyPair.objects.filter(hashed_key__in=hashed_keys, tracker__isnull=False)
    return {
        hashed_key: tracker_id
        for hashed_key, tracker_id in pairs.values_list("hashed_key", "tracker_id")
        if tracker_id
    }
