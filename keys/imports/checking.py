"""Compares devices with what is stored. Pure: the facts in, the outcome and its reasons out."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from foundation.tables import Problem
from keys.imports import columns
from keys.imports.facts import Device, Duplicate, Facts

# Clocks in factories may be ahead.
CLOCK_TOLERANCE = timedelta(days=1)
# Of a device as a whole, in the rows that are right themselves.
OF_ANOTHER_ROW = "device_rejected"
# A row that repeats another one is left out, and takes nothing from its device.
REPEATED = "duplicate_row"
MISMATCH = "mac_mismatch"


class Outcome(StrEnum):
    PENDING = "PENDING"
    VALID = "VALID"
    UNCHANGED = "UNCHANGED"
    REJECTED = "REJECTED"


class Rules(NamedTuple):
    """What the import allows: only keys of a batch, only of a manufacturer, and MACs that the key doesn't imply."""

    batch_id: int | None
    manufacturer_id: int | None
    accept_mac_mismatch: bool
    now: datetime


class Checked(NamedTuple):
    """What becomes of a row: its problems if it is rejected, otherwise what is worth knowing although it isn't."""

    outcome: Outcome
    problems: Sequence[Problem] = ()
    warnings: Sequence[Problem] = ()


# What is found of a device, each with the row that it is about.
Found = Iterator[tuple[Facts, Problem]]


def compare(device: Device, rules: Rules) -> dict[int, Checked]:
    """What becomes of each row of a device, by id: whether it may be imported, is in stock already as the rows say, or
    why it is rejected. A device is imported with all of its keys or not at all."""
    found: dict[int, list[Problem]] = {row.id: [] for row in device.rows}
    # Each goes by what is right so far: a key that is unknown says nothing about its device.
    whole = device.first.rejected_sibling is None
    for check in (
        (_key_problems, _order_problems, _agreement_problems, _stored_problems) if whole else (_key_problems,)
    ):
        if not any(found.values()):
            for row, problem in check(device, rules):
                found[row.id].append(problem)
    culprit = next((row.number for row in device.rows if found[row.id]), device.first.rejected_sibling)
    if culprit is not None:
        return {
            row.id: Checked(Outcome.REJECTED, found[row.id] or [_of_another(culprit)]) for row in device.rows
        }
    if device.first.own_mac is not None:
        return {row.id: Checked(Outcome.UNCHANGED) for row in device.rows}
    warnings = [_mismatch(device)] if _is_mismatch(device) else []
    return {row.id: Checked(Outcome.VALID, warnings=warnings) for row in device.rows}


def _of_another(number: int) -> Problem:
    message = (
        f"Row {number} of this device is rejected, and a device comes with all of its keys: correct that row."
    )
    return Problem("", OF_ANOTHER_ROW, message)


def _key_problems(device: Device, rules: Rules) -> Found:
    """Keys that nobody may use here, and such as don't belong to one device."""
    known = [row for row in device.rows if row.pair_id is not None]
    brings_keys = any(row.pair_id is None and row.brings_private_key for row in device.rows)
    for row in device.rows:
        if row.pair_id is None:
            if not row.brings_private_key:
                yield row, _without_private_key() if brings_keys else _unknown_key()
            elif known:
                yield row, _of_two_devices(known[0])
        elif problem := _batch_problem(row, rules):
            yield row, problem
        elif (row.batch_id, row.pair_device) != (known[0].batch_id, known[0].pair_device):
            yield row, _of_two_devices(known[0])
        if row.key_mac_taken:
            message = "Another key pair implies the same MAC: this key can't be imported."
            yield row, Problem(columns.KEY, "key_mac_taken", message)


def _unknown_key() -> Problem:
    return Problem(
        columns.KEY,
        "unknown_key",
        "No key pair has this key: check that it was copied whole, from the batch's export.",
    )


def _without_private_key() -> Problem:
    return Problem(
        columns.PRIVATE_KEY,
        "missing",
        "The private key is missing, and other keys of the device bring theirs: without it reports of this key could"
        " not be decrypted.",
    )


def _of_two_devices(other: Facts) -> Problem:
    return Problem(
        columns.KEY,
        "keys_of_two_devices",
        f"The key of row {other.number} is known as one of a device that doesn't have this key: correct one of them. An"
        " import adds no keys to a device.",
    )


def _batch_problem(row: Facts, rules: Rules) -> Problem | None:
    if rules.manufacturer_id is not None and row.manufacturer_id != rules.manufacturer_id:
        return _unknown_key()
    if rules.batch_id is not None and row.batch_id != rules.batch_id:
        message = f"The key is of the batch {row.batch_label}: import the row there."
        return Problem(columns.KEY, "key_of_another_batch", message)
    if not row.batch_generated:
        message = f"The batch {row.batch_label} is not generated: wait until it is, then send the row again."
        return Problem(columns.KEY, "batch_not_generated", message)
    return None


def _order_problems(device: Device, rules: Rules) -> Found:
    """Which key is which: each number once, and where the device brings its keys, all of them."""
    numbered = Counter(row.key_index for row in device.rows if row.key_index is not None)
    for row in device.rows:
        index = row.key_index
        if index is None:
            continue
        if numbered[index] > 1:
            other = next(each.number for each in device.rows if each.key_index == index and each is not row)
            message = f"Row {other} is key {index} of this device too: number its keys 0, 1, 2 and so on."
            yield row, Problem(columns.KEY_INDEX, "duplicate_key_index", message)
        elif row.pair_id is not None and not row.is_native and index != row.pair_key_index:
            message = f"This is key {row.pair_key_index} of its device, and the row says {index}: correct it."
            yield row, Problem(columns.KEY_INDEX, "wrong_key_index", message)
        elif row.pair_id is None and index and index - 1 not in numbered:
            message = (
                f"Key {index - 1} of this device is missing: a device is imported with all of its keys, numbered 0, 1,"
                " 2 and so on."
            )
            yield row, Problem(columns.KEY_INDEX, "key_index_gap", message)


def _agreement_problems(device: Device, rules: Rules) -> Found:
    """Where further rows of a device contradict those before them."""
    for row in device.rows[1:]:
        if row.mac not in ("", device.mac, row.implied_mac):
            message = (
                f"Row {device.first.number} of the same device has the MAC {device.mac}: correct one of them."
            )
            yield row, Problem(columns.MAC, "macs_differ", message)
        for column in (
            columns.SERIAL,
            columns.FIRMWARE,
            columns.HARDWARE_REVISION,
            columns.MANUFACTURED_AT,
            columns.PRODUCTION_RUN,
        ):
            given, told = getattr(row, column), device.told(column)
            if given and given != told:
                message = f"Other rows of the same device say {told}: correct one of them."
                yield row, Problem(column, "rows_differ", message)


def _stored_problems(device: Device, rules: Rules) -> Found:
    """Where the device contradicts what is stored already."""
    if device.first.own_mac is not None:
        for row in device.rows:
            yield from ((row, problem) for problem in _differences(row, device))
        return
    for problem in (*_device_problems(device, rules), *_run_problems(device.run, rules)):
        told = device.mac if problem.column == columns.MAC else device.told(problem.column)
        for row in device.rows:
            if getattr(row, problem.column) == told:
                yield row, problem


def _differences(row: Facts, device: Device) -> list[Problem]:
    """Where the row contradicts the tracker that its device is already; an empty cell contradicts nothing, nor does the
    MAC of a further key, or one that the file did not tell."""
    is_of_key = row.is_native or (row is not device.first and row.mac == row.implied_mac)
    stored = (
        (columns.MAC, "" if is_of_key else row.mac, row.own_mac),
        (columns.SERIAL, row.serial, row.own_serial),
        (columns.FIRMWARE, row.firmware, row.own_firmware),
        (columns.HARDWARE_REVISION, row.hardware_revision, row.own_hardware_revision),
        (columns.MANUFACTURED_AT, row.manufactured_at, row.own_manufactured_at),
    )
    return [
        Problem(
            column,
            "registered_differently",
            f"The key's device is registered already, with {f'{column} {there}' if there else f'no {column}'}:"
            " an import changes no tracker.",
        )
        for column, given, there in stored
        if given and given != there
    ]


def _device_problems(device: Device, rules: Rules) -> Iterator[Problem]:
    first = device.first
    if first.mac_owner is not None:
        message = f"Another device is registered with the MAC {device.mac}: correct one."
        yield Problem(columns.MAC, "mac_taken", message)
    elif first.mac_of_other_device:
        message = f"{device.mac} is the MAC of another device's key: look for rows that are mixed up."
        yield Problem(columns.MAC, "mac_of_another_device", message)
    elif _is_mismatch(device) and not rules.accept_mac_mismatch:
        yield _mismatch(device)
    if any(row.serial_owner is not None for row in device.rows):
        message = f"Another device is registered with the serial {device.told(columns.SERIAL)}: correct one."
        yield Problem(columns.SERIAL, "serial_taken", message)
    manufactured_at = device.told(columns.MANUFACTURED_AT)
    if manufactured_at and manufactured_at > rules.now + CLOCK_TOLERANCE:
        message = "It is manufactured in the future: correct it."
        yield Problem(columns.MANUFACTURED_AT, "in_the_future", message)


def _is_mismatch(device: Device) -> bool:
    """A device advertises under the MAC that a key of it implies, with several keys under each in turn."""
    implied = {row.implied_mac for row in device.rows}
    return device.mac not in implied and not device.first.device_implies_mac


def _mismatch(device: Device) -> Problem:
    implied = ", ".join(
        dict.fromkeys(row.implied_mac for row in device.rows[:_MACS_NAMED] if row.implied_mac)
    )
    keys = "The key implies" if len(device.rows) == 1 else "The device's keys imply"
    more = " and others" if len(device.rows) > _MACS_NAMED else ""
    return Problem(
        columns.MAC,
        MISMATCH,
        f"{keys} the MAC {implied}{more}, the row says {device.mac}: correct it, or import with “accept other MACs” if"
        " the device has an address of its own.",
    )


_MACS_NAMED = 3


def _run_problems(row: Facts, rules: Rules) -> list[Problem]:
    if not row.production_run:
        return []
    if row.run_id is None:
        message = f"No production run, or more than one, is called {row.production_run}: give its id."
        return [Problem(columns.PRODUCTION_RUN, "unknown_run", message)]
    if row.run_end_date and row.run_end_date < rules.now.date():
        message = f"The run ended on {row.run_end_date}: extend it, or leave the cell empty."
        return [Problem(columns.PRODUCTION_RUN, "run_ended", message)]
    return []


def duplicate_problems(row: Duplicate) -> list[Problem]:
    """Why a row that the file holds twice in one way or another is rejected."""
    if row.same_row:
        return [Problem("", REPEATED, f"The same as row {row.same_row}: delete one of them.")]
    numbered = " Keys of one device are numbered in the column key_index: 0, 1, 2 and so on."
    found = (
        (columns.MAC, "duplicate_mac", "the MAC", row.other_mac, "" if row.other_key else numbered),
        (
            columns.SERIAL,
            "duplicate_serial",
            "the serial",
            row.other_serial,
            "" if row.other_key else numbered,
        ),
        (columns.KEY, "duplicate_key", "the key, or another of the same device,", row.other_key, ""),
    )
    return [
        Problem(column, code, f"Row {other} has {what} too: correct one of them.{hint}")
        for column, code, what, other, hint in found
        if other
    ]
