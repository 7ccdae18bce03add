"""What becomes of rejected reports: renewed by a retry, resolved once their report is stored, deleted when old."""

from collections.abc import Collection
from datetime import datetime

from foundation.deadlines import Deadline
from trackers import selectors
from trackers.incoming import IncomingRejection, IncomingReport, ReportIdentity
from trackers.models import RejectedReport

ROWS_PER_DELETION = 5_000


def renew_reasons(*, rows: Collection[RejectedReport], rejections: Collection[IncomingRejection]) -> None:
    """Give the rows that were rejected once more the reason of today.

    Not by `record_rejections`: a retry is no further occurrence.
    """
    found = {(rejection.hashed_key, rejection.payload): rejection for rejection in rejections}
    renewed = []
    for row in rows:
        rejection = found.get((row.hashed_key, bytes(row.payload)))
        if rejection:
            row.tracker_id = rejection.tracker_id
            row.reason, row.detail = rejection.reason, rejection.detail
            renewed.append(row)
    RejectedReport.objects.bulk_update(renewed, ["tracker", "reason", "detail"])


def resolve_stored(
    *, rows: Collection[RejectedReport], reports: Collection[IncomingReport], now: datetime
) -> int:
    """Mark the rows whose report is in the store as resolved, whoever put it there; returns how many are.

    reports: what was made of the rows' payloads.
    """
    payloads = {
        ReportIdentity(report.tracker_id, report.seen_at, report.fingerprint): report.payload
        for report in reports
    }
    stored = {payloads[identity] for identity in selectors.stored_among(list(payloads))}
    resolved = [row.pk for row in rows if bytes(row.payload) in stored]
    return RejectedReport.objects.filter(pk__in=resolved).update(resolved_at=now)


def delete_old_rejections(*, before: datetime, deadline: Deadline) -> int:
    """Delete those that were last received before `before`, oldest first, until the deadline; returns how many went."""
    deleted = 0
    while not deadline.passed:
        old = RejectedReport.objects.filter(last_received_at__lt=before).order_by("last_received_at")
        number, _ = RejectedReport.objects.filter(
            pk__in=list(old.values_list("pk", flat=True)[:ROWS_PER_DELETION])
        ).delete()
        deleted += number
        if number < ROWS_PER_DELETION:
            break
    return deleted
