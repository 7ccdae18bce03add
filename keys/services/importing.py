"""Checks the rows of a device import and receives the valid ones in stock, in batches that survive a kill."""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import IntegrityError, transaction

from clients.models import User
from foundation import audit, bulk, sql
from foundation.deadlines import Clock, Deadline
from foundation.errors import DomainError
from keys.imports import verdicts
from keys.imports.verdicts import Duplicate, Facts, Outcome, Rules, Verdict
from keys.models import DeviceImport, DeviceImportRow
from keys.services import registering
from keys.vault import VaultError
from trackers.services.registering import TrackerTakenError

log = structlog.get_logger(__name__)

ROWS_PER_CHECK = 5_000
ROWS_PER_IMPORT = 2_000
# A file of so few rows is gone through while its sender waits; larger ones are a worker's.
ROWS_AT_ONCE = 1_000
# An import that nobody confirms is given up, and rejected rows are kept for so long.
CONFIRM_WITHIN = timedelta(days=7)
KEEP_REJECTS = timedelta(days=90)

State = DeviceImport.State

FACTS_OF_ROWS = sql.load("keys/facts_of_rows")
DUPLICATE_ROWS = sql.load("keys/duplicate_rows")
BATCHES_OF_ROWS = """
SELECT DISTINCT pair.batch_id
FROM keys_deviceimportrow AS row
JOIN keys_keypair AS pair ON pair.hashed_key = row.hashed_key
WHERE row.device_import_id = %(import_id)s
    AND row.outcome = %(outcome)s
    AND row.number BETWEEN %(first)s AND %(last)s
"""
WRITE_VERDICTS = """
UPDATE keys_deviceimportrow AS row
SET outcome = verdict.outcome, problems = verdict.problems::jsonb
FROM unnest(%(ids)b::bigint[], %(outcomes)b::text[], %(problems)b::text[]) AS verdict (id, outcome, problems)
WHERE row.id = verdict.id
"""
ASK_AGAIN = """
UPDATE keys_deviceimportrow
SET outcome = 'PENDING', problems = '[]'
WHERE device_import_id = %(import_id)s
    AND outcome = 'REJECTED'
    AND jsonb_array_length(problems) = 1
    AND problems->0->>'code' = 'mac_mismatch'
"""


class NotWaitingError(DomainError):
    code = "import_not_waiting"


def confirm(
    *, device_import: DeviceImport, accept_mac_mismatch: bool, actor: User | None, now: datetime
) -> None:
    """Have the valid rows of a CHECKED import imported by a worker.

    accept_mac_mismatch: also the devices that were rejected for nothing but another MAC than their key implies.
    `device_import` is then as it is stored. Raises NotWaitingError, also for an import that has nothing to import.
    """
    with transaction.atomic(), audit.acting(actor):
        locked = DeviceImport.objects.select_for_update(no_key=True).get(pk=device_import.pk)
        if locked.state != State.CHECKED:
            raise NotWaitingError(
                f"{locked} is not waiting to be confirmed: it is {locked.get_state_display().lower()}."
            )
        asked = 0
        if accept_mac_mismatch and not locked.accept_mac_mismatch:
            asked = bulk.execute(ASK_AGAIN, {"import_id": locked.pk})
            locked.accept_mac_mismatch = True
        if not (asked or locked.valid):
            raise NotWaitingError(
                f"No row of {locked} can be imported: fix the rejected rows and send them again."
            )
        locked.rejected -= asked
        locked.checked -= asked
        locked.is_confirmed, locked.confirmed_by = True, actor
        locked.state = State.QUEUED if asked else State.IMPORTING
        locked.save()
    device_import.refresh_from_db()


def cancel(*, device_import: DeviceImport, actor: User | None, now: datetime) -> None:
    """Stop an import that has not ended; what it imported stays in stock. Raises NotWaitingError."""
    with transaction.atomic(), audit.acting(actor):
        locked = DeviceImport.objects.select_for_update(no_key=True).get(pk=device_import.pk)
        if locked.ended_at:
            raise NotWaitingError(f"{locked} has ended: it is {locked.get_state_display().lower()}.")
        _end(locked, State.CANCELLED, now)


def continue_all(*, clock: Clock, time_budget_s: float) -> int:
    """Go on with all unfinished imports, the oldest first; returns how many ended or wait to be confirmed.

    One that fails in an unforeseen way is logged, keeps no other waiting, and is tried again the next time.
    """
    deadline = Deadline(clock, time_budget_s)
    through = 0
    for device_import in DeviceImport.objects.unfinished().order_by("pk").select_related("confirmed_by"):
        try:
            while (more := continue_import(device_import=device_import, now=clock())) and not deadline.passed:
                pass
        except Exception:
            log.exception("device_import_interrupted", device_import=device_import.pk)
            continue
        through += not more
        if deadline.passed:
            break
    return through


def continue_small(*, device_import: DeviceImport, now: datetime) -> bool:
    """Go through with an import of at most ROWS_AT_ONCE rows; returns False for a larger one, which is a worker's."""
    if device_import.total > ROWS_AT_ONCE:
        return False
    while continue_import(device_import=device_import, now=now):
        pass
    return True


def continue_import(*, device_import: DeviceImport, now: datetime) -> bool:
    """Check or import the next batch of rows in one transaction; returns whether more is to be done at once.

    Safe to call from several processes and after a kill. What goes wrong for the whole import, such as a master key
    that is missing, makes it FAILED; what it imported before stays in stock.
    """
    with audit.acting(device_import.confirmed_by, reason=f"Import of {device_import}"):
        try:
            try:
                return _next_batch(device_import.pk, now)
            except (IntegrityError, TrackerTakenError):
                # Somebody registered one of the devices since its row was checked: checking again says so.
                return _next_batch(device_import.pk, now)
        except (DomainError, VaultError, IntegrityError) as error:
            log.warning("device_import_failed", device_import=device_import.pk, error=type(error).__name__)
            _fail(device_import.pk, error, now)
            return False


def clean_up(*, now: datetime) -> int:
    """Give up what nobody confirmed, and forget rejected rows after their time; returns how many rows went."""
    for device_import in DeviceImport.objects.filter(
        state=State.CHECKED, created_at__lt=now - CONFIRM_WITHIN
    ):
        cancel(device_import=device_import, actor=None, now=now)
    old = DeviceImport.objects.filter(ended_at__lt=now - KEEP_REJECTS)
    gone, _ = DeviceImportRow.objects.filter(device_import__in=old).delete()
    return gone


@transaction.atomic
def _next_batch(import_id: int, now: datetime) -> bool:
    device_import = DeviceImport.objects.select_for_update(no_key=True).get(pk=import_id)
    if device_import.state == State.QUEUED:
        return _check_batch(device_import, now)
    if device_import.state == State.IMPORTING:
        return _import_batch(device_import, now)
    return False


def _check_batch(device_import: DeviceImport, now: datetime) -> bool:
    if device_import.checked == device_import.rejected:
        found = _find_duplicates(device_import)
        device_import.rejected += found
        device_import.checked += found
    numbers = _next_rows(device_import, Outcome.PENDING, ROWS_PER_CHECK)
    verdicts_by_row = _compare(device_import, _facts(numbers), now) if numbers else {}
    _write(verdicts_by_row)
    outcomes = [verdict.outcome for verdict in verdicts_by_row.values()]
    device_import.checked += len(outcomes)
    for outcome in (Outcome.VALID, Outcome.UNCHANGED, Outcome.REJECTED):
        name = outcome.value.lower()
        setattr(device_import, name, getattr(device_import, name) + outcomes.count(outcome))
    if device_import.checked < device_import.total:
        device_import.save()
        return True
    device_import.state = State.IMPORTING if device_import.is_confirmed else State.CHECKED
    device_import.save()
    return device_import.is_confirmed


def _import_batch(device_import: DeviceImport, now: datetime) -> bool:
    numbers = _next_rows(device_import, Outcome.VALID, ROWS_PER_IMPORT)
    if numbers is None:
        _end(device_import, State.DONE, now)
        return False
    registering.lock_batches(bulk.fetch_values(BATCHES_OF_ROWS, numbers))
    # Compared again now that the batches are locked: another import may have taken some of them since.
    facts = _facts(numbers)
    verdicts_by_row = _compare(device_import, facts, now)
    _write(
        {
            row_id: verdict
            for row_id, verdict in verdicts_by_row.items()
            if verdict.outcome is not Outcome.VALID
        }
    )
    valid = [row for row in facts if verdicts_by_row[row.id].outcome is Outcome.VALID]
    unchanged = sum(verdict.outcome is Outcome.UNCHANGED for verdict in verdicts_by_row.values())
    registering.register_rows(device_import=device_import, rows=valid, now=now)
    device_import.imported += len(valid)
    device_import.valid -= len(facts) - len(valid)
    device_import.unchanged += unchanged
    device_import.rejected += len(facts) - len(valid) - unchanged
    device_import.save()
    log.info("device_import_progress", device_import=device_import.pk, imported=device_import.imported)
    return True


def _find_duplicates(device_import: DeviceImport) -> int:
    found = bulk.fetch_rows(DUPLICATE_ROWS, {"import_id": device_import.pk}, Duplicate)
    _write({row.id: Verdict(Outcome.REJECTED, verdicts.duplicate_problems(row)) for row in found})
    return len(found)


def _next_rows(device_import: DeviceImport, outcome: Outcome, limit: int) -> dict[str, Any] | None:
    """Names the next rows of an outcome for the statements; None if there are no more."""
    waiting = device_import.rows.filter(outcome=outcome.value).order_by("number")
    numbers = list(waiting.values_list("number", flat=True)[:limit])
    if not numbers:
        return None
    return {
        "import_id": device_import.pk,
        "outcome": outcome.value,
        "first": numbers[0],
        "last": numbers[-1],
    }


def _facts(numbers: dict[str, Any]) -> list[Facts]:
    return bulk.fetch_rows(FACTS_OF_ROWS, numbers, Facts)


def _compare(device_import: DeviceImport, facts: Sequence[Facts], now: datetime) -> dict[int, Verdict]:
    rules = Rules(
        # The batch of a fleet is made by its import, and other keys may be of any.
        batch_id=None if device_import.brings_private_keys else device_import.batch_id,
        manufacturer_id=device_import.manufacturer_id,
        accept_mac_mismatch=device_import.accept_mac_mismatch,
        now=now,
    )
    return {row.id: verdicts.compare(row, rules) for row in facts}


def _write(verdicts_by_row: dict[int, Verdict]) -> None:
    rows = [
        (row_id, verdict.outcome.value, json.dumps([problem._asdict() for problem in verdict.problems]))
        for row_id, verdict in verdicts_by_row.items()
    ]
    bulk.execute(WRITE_VERDICTS, bulk.transposed(rows, ("ids", "outcomes", "problems")))


def _end(device_import: DeviceImport, state: State, now: datetime, failure: str = "") -> None:
    """Keep the rejected rows, without their sealed keys, and nothing else."""
    rejected = device_import.rows.filter(outcome=Outcome.REJECTED.value)
    rejected.exclude(sealed_private_key=None).update(sealed_private_key=None)
    device_import.rows.exclude(outcome=Outcome.REJECTED.value).delete()
    device_import.sealed_data_key = None
    device_import.state = state
    device_import.failure = failure
    device_import.ended_at = now
    device_import.save()


@transaction.atomic
def _fail(import_id: int, error: Exception, now: datetime) -> None:
    device_import = DeviceImport.objects.select_for_update(no_key=True).get(pk=import_id)
    if device_import.ended_at:
        return
    said = (
        "its devices are being registered by somebody else at the same time"
        if isinstance(error, IntegrityError | TrackerTakenError)
        else str(error).rstrip(".")
    )
    _end(
        device_import,
        State.FAILED,
        now,
        failure=f"{said[:1].upper()}{said[1:]}. Once that is fixed, send the file again: what was imported stays, and"
        " counts as unchanged.",
    )
