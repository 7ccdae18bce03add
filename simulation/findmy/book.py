"""What the simulated network holds at a moment: reports already published, the latest of each key.

A report is encrypted when somebody first asks for it, with an ephemeral key that follows from the plan's
seed, so that a gateway started again serves the same bytes.
"""

import hashlib
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from threading import Lock

from ingestion.findmy import protocol
from ingestion.findmy.payload import encrypt
from keys import advertisement
from simulation.findmy.fleet import PhoneReport, phone_reports
from simulation.findmy.plan import Plan, PlannedTracker

_SIZES = (protocol.SHORT_PAYLOAD_BYTES, protocol.LONG_PAYLOAD_BYTES)
_HISTORY = timedelta(days=protocol.HISTORY_DAYS)


class ReportBook:
    """A plan's reports by lookup id; safe between threads."""

    def __init__(self, plan: Plan) -> None:
        self._reports_per_key = plan.reports_per_key
        self._feeds = {}
        for tracker in plan.trackers:
            feed = _Feed(plan, tracker)
            for index, key in enumerate(tracker.advertisement_keys):
                self._feeds[advertisement.hashed_key(key)] = (feed, index)

    def __len__(self) -> int:
        return len(self._feeds)

    def latest(self, hashed_key: str, now: datetime) -> list[bytes]:
        """Return the payloads of a key that were published by now, newest publication last."""
        if hashed_key not in self._feeds:
            return []
        feed, key_index = self._feeds[hashed_key]
        return feed.latest(key_index, now, self._reports_per_key)


class _Feed:
    """One tracker's reports, drawn as far as the clock has come."""

    def __init__(self, plan: Plan, tracker: PlannedTracker) -> None:
        self._seed = plan.seed
        self._tracker = tracker
        self._lock = Lock()
        self._coming: Iterator[PhoneReport] = phone_reports(plan, tracker)
        self._next = next(self._coming, None)
        self._seen: list[PhoneReport] = []
        self._payloads: dict[int, bytes] = {}

    def latest(self, key_index: int, now: datetime, limit: int) -> list[bytes]:
        with self._lock:
            self._advance(now)
            published = [
                phone_report
                for phone_report in self._seen
                if phone_report.key_index == key_index and phone_report.published_at <= now
            ]
            published.sort(key=lambda phone_report: (phone_report.published_at, phone_report.number))
            copies = [phone_report for phone_report in published[-limit:] for _ in range(phone_report.copies)]
            return [self._payload(phone_report) for phone_report in copies[-limit:]]

    def _advance(self, now: datetime) -> None:
        arrived = []
        while self._next is not None and self._next.report.seen_at <= now:
            arrived.append(self._next)
            self._next = next(self._coming, None)
        kept = list(_since(now - _HISTORY, (*self._seen, *arrived)))
        for number in self._payloads.keys() - {phone_report.number for phone_report in kept}:
            del self._payloads[number]
        self._seen = kept

    def _payload(self, phone_report: PhoneReport) -> bytes:
        if phone_report.number not in self._payloads:
            self._payloads[phone_report.number] = encrypt(
                phone_report.report,
                self._tracker.advertisement_keys[phone_report.key_index],
                size=_SIZES[phone_report.number % len(_SIZES)],
                ephemeral_key=advertisement.load_private_key(self._ephemeral_scalar(phone_report.number)),
            )
        return self._payloads[phone_report.number]

    def _ephemeral_scalar(self, number: int) -> bytes:
        digest = hashlib.sha256(f"{self._seed}:{self._tracker.mac}:{number}".encode()).digest()
        return bytes([digest[0] & 0x7F]) + digest[1 : advertisement.KEY_BYTES]


def _since(moment: datetime, reports: Iterable[PhoneReport]) -> Iterator[PhoneReport]:
    return (phone_report for phone_report in reports if phone_report.report.seen_at >= moment)
