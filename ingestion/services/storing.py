"""From the gateway's answers to the stored history: what is done with every fetched payload."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from ingestion.findmy.client import FetchAnswer
from ingestion.services import decrypting
from trackers.incoming import RecordOutcome
from trackers.services import reports


def store_answers(
    answers: Sequence[FetchAnswer], *, tracker_of_key: Mapping[str, int], purpose: str, now: datetime
) -> RecordOutcome:
    """Decrypt what is new in the answers, record it, and keep what can't be used. No transaction may be open.

    tracker_of_key: for every key that was asked for. purpose: why private keys are unsealed.
    """
    sealed = decrypting.sealed_payloads(answers, tracker_of_key=tracker_of_key)
    unknown = decrypting.without_known(sealed)
    outcome = RecordOutcome(duplicates=len(sealed) - len(unknown))
    rejections = [
        rejection
        for answer in answers
        for rejection in decrypting.reject_entries(answer.rejected, tracker_of_key=tracker_of_key)
    ]
    for decrypted in decrypting.decrypt_payloads(unknown, purpose=purpose, now=now):
        outcome.add(reports.record_reports(decrypted.reports, now=now))
        rejections += decrypted.rejections
    reports.record_rejections(rejections, now=now)
    outcome.rejected += len(rejections)
    return outcome
