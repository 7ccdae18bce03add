"""The one way by which reports enter the store, live or late, from whichever source."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from operator import attrgetter

import structlog
from django.db import transaction

from foundation import batching, bulk, sql
from trackers.incoming import (
    IncomingRejection,
    IncomingReport,
    RecordOutcome,
    ReportIdentity,
    fingerprint_of,
    implausible,
)
from trackers.models import RejectedReport, Tracker
from trackers.services import history, locking

log = structlog.get_logger(__name__)

INSERT_REPORTS = sql.load("trackers/insert_reports")
REJECT_REPORTS = sql.load("trackers/reject_reports")
# Tuples by name: every report that arrives passes here.
STORED_VALUES = attrgetter(
    "tracker_id",
    "seen_at",
    "fingerprint",
    "latitude",
    "longitude",
    "accuracy_m",
    "confidence",
    "battery",
    "source",
)
IDENTITY = attrgetter(*ReportIdentity._fields)

# A transaction takes whole trackers until it has this many reports: large enough to spread the cost of its
# statements, small enough that its locks are held for about a second.
REPORTS_PER_TRANSACTION = 4_000


class ImplausibleReportError(ValueError):
    """Its values can't be those of a report."""


def record_reports(reports: Iterable[IncomingReport], *, now: datetime) -> RecordOutcome:
    """Store reports and everything that follows from them.

    Reports may come in any order, from any time and several times: the history that results is the same. Each batch
    of trackers is one transaction: reports, events, history, the trackers' rows and rollups. A report that can't be
    stored, or is from before the retention cutoff, goes to RejectedReport and costs only itself. Raises
    `OperationalError` if the database is out of reach or a lock is not to be had; what was committed by then is not
    stored twice when the call is repeated.
    """
    known = [report if report.accuracy_m != 0 else report._replace(accuracy_m=None) for report in reports]
    reports, outcome = _after_the_cutoff(known, now)
    ordered = sorted(reports, key=attrgetter("tracker_id"))
    for batch in batching.batches_of_groups(
        ordered, by=attrgetter("tracker_id"), size=REPORTS_PER_TRANSACTION
    ):
        for recorded in batching.halve_until_alone(
            batch,
            work=lambda part: _record(part, now),
            alone=lambda report, error: _reject(report, error, now),
            blamed=batching.BLAMED_ON_DATA,
        ):
            outcome.add(recorded)
    return outcome


def _after_the_cutoff(
    reports: list[IncomingReport], now: datetime
) -> tuple[list[IncomingReport], RecordOutcome]:
    """Without the reports from before the retention cutoff, which are rejected: what was made of that time stands."""
    kept_from = history.frozen_before()
    old = [report for report in reports if kept_from and report.seen_at.tzinfo and report.seen_at < kept_from]
    if not old:
        return reports, RecordOutcome()
    why = f"Seen before {kept_from:%Y-%m-%d}, the retention cutoff (REPORT_RETENTION_DAYS)."
    known = set(
        Tracker.objects.filter(pk__in={report.tracker_id for report in old}).values_list("pk", flat=True)
    )
    record_rejections(
        [_rejection(it, it.tracker_id if it.tracker_id in known else None, why) for it in old], now=now
    )
    too_old = set(map(id, old))
    return [report for report in reports if id(report) not in too_old], RecordOutcome(rejected=len(old))


@transaction.atomic
def _record(reports: Sequence[IncomingReport], now: datetime) -> RecordOutcome:
    tracker_ids = sorted({report.tracker_id for report in reports})
    locking.lock_trackers(tracker_ids)
    new = _insert(reports, now)
    outcome = RecordOutcome(
        stored_by_tracker=Counter(report.tracker_id for report in new), duplicates=len(reports) - len(new)
    )
    if not new:
        return outcome
    outcome.events = history.follow_reports(new, now=now).events
    return outcome


def _insert(reports: Sequence[IncomingReport], now: datetime) -> list[IncomingReport]:
    """Store the reports and return those that were not there yet."""
    names = (
        "tracker_ids",
        "seen_ats",
        "fingerprints",
        "latitudes",
        "longitudes",
        "accuracies_m",
        "confidences",
        "batteries",
        "sources",
    )
    for report in reports:
        _require_plausible(report, now)
    parameters = bulk.transposed([STORED_VALUES(report) for report in reports], names) | {"received_at": now}
    inserted = set(bulk.fetch_all(INSERT_REPORTS, parameters))
    by_identity = {IDENTITY(report): report for report in reports}
    return [report for identity, report in by_identity.items() if identity in inserted]


def _require_plausible(report: IncomingReport, now: datetime) -> None:
    problem = implausible(
        seen_at=report.seen_at,
        latitude=report.latitude,
        longitude=report.longitude,
        accuracy_m=report.accuracy_m,
        now=now,
    )
    if problem:
        raise ImplausibleReportError(problem)


def _reject(report: IncomingReport, error: Exception, now: datetime) -> RecordOutcome:
    log.warning("report_not_stored", tracker_id=report.tracker_id, error=str(error))
    if isinstance(error, ImplausibleReportError):
        rejection = _rejection(report, report.tracker_id, str(error), RejectedReport.Reason.IMPLAUSIBLE)
    else:
        tracker_id = None if isinstance(error, locking.UnknownTrackerError) else report.tracker_id
        rejection = _rejection(report, tracker_id, f"{type(error).__name__}: {error}"[:500])
    record_rejections([rejection], now=now)
    return RecordOutcome(rejected=1)


def _rejection(
    report: IncomingReport,
    tracker_id: int | None,
    detail: str,
    reason: str = RejectedReport.Reason.NOT_STORED,
) -> IncomingRejection:
    return IncomingRejection(
        tracker_id=tracker_id,
        source=report.source,
        hashed_key=report.hashed_key,
        payload=report.payload,
        reason=reason,
        detail=detail,
    )


def record_rejections(rejections: Iterable[IncomingRejection], *, now: datetime) -> None:
    """Keep what can't be used, with the reason. The same payload again only counts up and renews its row.

    Rows are written in the order of their key, so that two that write the same ones can't wait for each other.
    """
    rows = {(rejection.source, fingerprint_of(rejection.payload)): rejection for rejection in rejections}
    if not rows:
        return
    names = ("tracker_ids", "sources", "hashed_keys", "payloads", "reasons", "details", "fingerprints")
    arrays = bulk.transposed([(*rows[key], key[1]) for key in sorted(rows)], names)
    bulk.execute(REJECT_REPORTS, arrays | {"now": now})
