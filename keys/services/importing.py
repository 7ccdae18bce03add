"""Checks the rows of a device import and receives the valid ones in stock, in batches that survive a kill."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import IntegrityError, transaction

from clients.models import User
from foundation import audit, bulk, sql
from foundation.deadlines import Clock, Deadline
from foundation.errors import DomainError
from foundation.tables import Problem
from keys import lifecycle, selectors
from keys.imports import checking, facts
from keys.imports.checking import Checked, Outcome, Rules
from keys.imports.facts import Device, Duplicate, Facts
from keys.lifecycle import ImportState, Step
from keys.models import DeviceImport, DeviceImportRow
from keys.services import registering
from keys.vault import VaultError
from trackers.services.registering import TrackerTakenError

log = structlog.get_logger(__name__)

# In one transaction; a device may have 50 keys and as many rows.
DEVICES_PER_CHECK = 5_000
DEVICES_PER_IMPORT = 2_000
# A file of so few rows is gone through while its sender waits; larger ones are a worker's.
ROWS_AT_ONCE = 1_000
# An import that nobody confirms is given up, and rejected rows are kept for so long.
CONFIRM_WITHIN = timedelta(days=7)
KEEP_REJECTS = timedelta(days=90)

FACTS_OF_ROWS = sql.load("keys/facts_of_rows")
DUPLICATE_ROWS = sql.load("keys/duplicate_rows")
BATCHES_OF_ROWS = """
SELECT DISTINCT pair.batch_id
FROM keys_deviceimportrow AS row
JOIN keys_keypair AS pair ON pair.hashed_key = row.hashed_key
WHERE row.device_import_id = %(import_id)s
    AND row.outcome = %(outcome)s
    AND row.device BETWEEN %(first)s AND %(last)s
"""
WRITE_CHECKED = """
UPDATE keys_deviceimportrow AS row
SET outcome = checked.outcome, problems = checked.problems::jsonb, warnings = row.warnings || checked.warnings::jsonb
FROM unnest(%(ids)b::bigint[], %(outcomes)b::text[], %(problems)b::text[], %(warnings)b::text[])
    AS checked (id, outcome, problems, warnings)
WHERE row.id = checked.id
"""
# Devices of which nothing else is wrong than their MAC. Rows that repeat another one stay as they are.
CHECK_MISMATCHES_AGAIN = """
UPDATE keys_deviceimportrow
SET outcome = 'PENDING', problems = '[]'
WHERE device_import_id = %(import_id)s
    AND outcome = 'REJECTED'
    AND problems->0->>'code' <> 'duplicate_row'
    AND device IN (
        SELECT rejected.device
        FROM keys_deviceimportrow AS rejected
        CROSS JOIN LATERAL jsonb_array_elements(rejected.problems) AS problem
        WHERE rejected.device_import_id = %(import_id)s
            AND rejected.outcome = 'REJECTED'
            AND problem->>'code' <> 'duplicate_row'
        GROUP BY rejected.device
        HAVING bool_and(problem->>'code' IN ('mac_mismatch', 'device_rejected'))
            AND bool_or(problem->>'code' = 'mac_mismatch')
    )
"""
COUNT_WARNED = """
SELECT count(*)
FROM keys_deviceimportrow
WHERE device_import_id = %(import_id)s AND outcome IN ('VALID', 'UNCHANGED') AND warnings <> '[]'
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
        if locked.state not in lifecycle.CONFIRM.comes_from:
            raise NotWaitingError(
                f"{locked} is not waiting to be confirmed: it is {locked.get_state_display().lower()}."
            )
        asked = 0
        if accept_mac_mismatch and not locked.accept_mac_mismatch:
            asked = bulk.execute(CHECK_MISMATCHES_AGAIN, {"import_id": locked.pk})
            locked.accept_mac_mismatch = True
        if not (asked or locked.valid):
            raise NotWaitingError(
                f"No row of {locked} can be imported: fix the rejected rows and send them again."
            )
        locked.rejected -= asked
        locked.checked -= asked
        locked.is_confirmed, locked.confirmed_by = True, actor
        locked.state = (lifecycle.CONFIRM_AND_CHECK if asked else lifecycle.CONFIRM).becomes
        locked.save()
    device_import.refresh_from_db()


def cancel(*, device_import: DeviceImport, actor: User | None, now: datetime) -> None:
    """Stop an import that has not ended; what it imported stays in stock. Raises NotWaitingError."""
    with transaction.atomic(), audit.acting(actor):
        locked = DeviceImport.objects.select_for_update(no_key=True).get(pk=device_import.pk)
        if locked.state not in lifecycle.CANCEL_IMPORT.comes_from:
            raise NotWaitingError(f"{locked} has ended: it is {locked.get_state_display().lower()}.")
        _end(locked, lifecycle.CANCEL_IMPORT, now)


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
        state__in=lifecycle.CONFIRM.comes_from, created_at__lt=now - CONFIRM_WITHIN
    ):
        cancel(device_import=device_import, actor=None, now=now)
    old = DeviceImport.objects.filter(ended_at__lt=now - KEEP_REJECTS)
    gone, _ = DeviceImportRow.objects.filter(device_import__in=old).delete()
    return gone


@transaction.atomic
def _next_batch(import_id: int, now: datetime) -> bool:
    device_import = DeviceImport.objects.select_for_update(no_key=True).get(pk=import_id)
    if device_import.state in lifecycle.CHECK.comes_from:
        return _check_batch(device_import, now)
    if device_import.state in lifecycle.FINISH.comes_from:
        return _import_batch(device_import, now)
    return False


def _check_batch(device_import: DeviceImport, now: datetime) -> bool:
    if device_import.checked == device_import.rejected:
        found = _find_duplicates(device_import)
        device_import.rejected += found
        device_import.checked += found
    if chosen := _next_devices(device_import, Outcome.PENDING, DEVICES_PER_CHECK):
        checked_rows = _compare(device_import, _devices(chosen), now)
        _write(checked_rows)
        _count(device_import, checked_rows)
    if device_import.checked < device_import.total:
        device_import.save()
        return True
    _sum_up_warnings(device_import)
    step = lifecycle.CHECK_AND_IMPORT if device_import.is_confirmed else lifecycle.CHECK
    device_import.state = step.becomes
    device_import.save()
    return device_import.is_confirmed


def _count(device_import: DeviceImport, checked_rows: Mapping[int, Checked]) -> None:
    outcomes = Counter(checked.outcome for checked in checked_rows.values())
    device_import.checked += outcomes.total()
    device_import.valid += outcomes[Outcome.VALID]
    device_import.unchanged += outcomes[Outcome.UNCHANGED]
    device_import.rejected += outcomes[Outcome.REJECTED]


def _sum_up_warnings(device_import: DeviceImport) -> None:
    (device_import.warned,) = bulk.fetch_values(COUNT_WARNED, {"import_id": device_import.pk})
    device_import.warnings = [note._asdict() for note in selectors.warnings_of_rows(device_import)]


def _import_batch(device_import: DeviceImport, now: datetime) -> bool:
    chosen = _next_devices(device_import, Outcome.VALID, DEVICES_PER_IMPORT)
    if chosen is None:
        _end(device_import, lifecycle.FINISH, now)
        return False
    registering.lock_batches(bulk.fetch_values(BATCHES_OF_ROWS, chosen))
    # Compared again now that the batches are locked: another import may have taken some of them since.
    devices = _devices(chosen)
    checked_rows = _compare(device_import, devices, now)
    _write({row_id: it for row_id, it in checked_rows.items() if it.outcome is not Outcome.VALID})
    valid = [device for device in devices if checked_rows[device.first.id].outcome is Outcome.VALID]
    registering.register_devices(device_import=device_import, devices=valid, now=now)
    outcomes = Counter(checked.outcome for checked in checked_rows.values())
    device_import.devices += len(valid)
    device_import.imported += outcomes[Outcome.VALID]
    device_import.valid -= outcomes.total() - outcomes[Outcome.VALID]
    device_import.unchanged += outcomes[Outcome.UNCHANGED]
    device_import.rejected += outcomes[Outcome.REJECTED]
    device_import.save()
    log.info("device_import_progress", device_import=device_import.pk, imported=device_import.imported)
    return True


def _find_duplicates(device_import: DeviceImport) -> int:
    found = bulk.fetch_rows(DUPLICATE_ROWS, {"import_id": device_import.pk}, Duplicate)
    _write({row.id: Checked(Outcome.REJECTED, checking.duplicate_problems(row)) for row in found})
    return len(found)


def _next_devices(device_import: DeviceImport, outcome: Outcome, limit: int) -> dict[str, Any] | None:
    """Names the next devices with rows of an outcome for the statements; None if there are no more."""
    waiting = device_import.rows.filter(outcome=outcome.value).order_by("device")
    devices = list(waiting.values_list("device", flat=True).distinct()[:limit])
    if not devices:
        return None
    return {
        "import_id": device_import.pk,
        "outcome": outcome.value,
        "first": devices[0],
        "last": devices[-1],
    }


def _devices(chosen: dict[str, Any]) -> list[Device]:
    return list(facts.devices_of(bulk.fetch_rows(FACTS_OF_ROWS, chosen, Facts)))


def _compare(device_import: DeviceImport, devices: Sequence[Device], now: datetime) -> dict[int, Checked]:
    rules = Rules(
        # The batch of a fleet is made by its import, and other keys may be of any.
        batch_id=None if device_import.brings_private_keys else device_import.batch_id,
        manufacturer_id=device_import.manufacturer_id,
        accept_mac_mismatch=device_import.accept_mac_mismatch,
        now=now,
    )
    compared: dict[int, Checked] = {}
    for device in devices:
        compared |= checking.compare(device, rules)
    return compared


def _write(checked_rows: Mapping[int, Checked]) -> None:
    rows = [
        (row_id, checked.outcome.value, _as_json(checked.problems), _as_json(checked.warnings))
        for row_id, checked in checked_rows.items()
    ]
    bulk.execute(WRITE_CHECKED, bulk.transposed(rows, ("ids", "outcomes", "problems", "warnings")))


def _as_json(problems: Sequence[Problem]) -> str:
    return json.dumps([problem._asdict() for problem in problems])


def _end(device_import: DeviceImport, step: Step[ImportState], now: datetime, failure: str = "") -> None:
    """Keep the rejected rows, without their sealed keys, and nothing else."""
    rejected = device_import.rows.filter(outcome=Outcome.REJECTED.value)
    rejected.exclude(sealed_private_key=None).update(sealed_private_key=None)
    device_import.rows.exclude(outcome=Outcome.REJECTED.value).delete()
    device_import.sealed_data_key = None
    device_import.state = step.becomes
    device_import.failure = failure
    device_import.ended_at = now
    device_import.save()


@transaction.atomic
def _fail(import_id: int, error: Exception, now: datetime) -> None:
    device_import = DeviceImport.objects.select_for_update(no_key=True).get(pk=import_id)
    if device_import.state not in lifecycle.FAIL.comes_from:
        return
    said = (
        "its devices are being registered by somebody else at the same time"
        if isinstance(error, IntegrityError | TrackerTakenError)
        else str(error).rstrip(".")
    )
    _end(
        device_import,
        lifecycle.FAIL,
        now,
        failure=f"{said[:1].upper()}{said[1:]}. Once that is fixed, send the file again: what was imported stays, and"
        " counts as unchanged.",
    )
