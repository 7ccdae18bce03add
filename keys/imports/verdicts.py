"""Compares rows with what is stored. Pure: the facts in, the outcome and its reasons out."""

from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from foundation.tables import Problem
from keys.imports import columns

# Clocks in factories may be ahead.
CLOCK_TOLERANCE = timedelta(days=1)


class Outcome(StrEnum):
    PENDING = "PENDING"
    VALID = "VALID"
    UNCHANGED = "UNCHANGED"
    REJECTED = "REJECTED"


class Facts(NamedTuple):
    """A row and what is stored of its key, MAC and serial, as keys/sql/facts_of_rows.sql selects them.

    `pair_id` is None for a key that is not stored. `own_…` are of the tracker that the device is registered as, if it
    is. `mac_of_other_device`: another device's key implies the MAC. `key_mac_taken`: so does one of the private key's.
    """

    id: int
    number: int
    mac: str
    serial: str
    firmware: str
    hardware_revision: str
    manufactured_at: datetime | None
    production_run: str
    run_id: int | None
    run_end_date: date | None
    key_mac: str
    brings_private_key: bool
    pair_id: int | None
    pair_mac: str | None
    batch_id: int | None
    batch_label: str | None
    batch_generated: bool | None
    keys_per_device: int | None
    manufacturer_id: int | None
    own_mac: str | None
    own_serial: str | None
    own_firmware: str | None
    own_hardware_revision: str | None
    own_manufactured_at: datetime | None
    mac_owner: int | None
    serial_owner: int | None
    mac_of_other_device: bool
    key_mac_taken: bool


class Duplicate(NamedTuple):
    """A row, and the numbers of the rows that repeat it or share its MAC, serial or device, 0 where there is none, as
    keys/sql/duplicate_rows.sql selects them."""

    id: int
    same_row: int
    other_mac: int
    other_serial: int
    other_key: int


class Rules(NamedTuple):
    """What the import allows: only keys of a batch, only of a manufacturer, and MACs that the key doesn't imply."""

    batch_id: int | None
    manufacturer_id: int | None
    accept_mac_mismatch: bool
    now: datetime


class Verdict(NamedTuple):
    outcome: Outcome
    problems: list[Problem]


def compare(row: Facts, rules: Rules) -> Verdict:
    """Whether the device may be imported, is in stock already as the row says, or why it is rejected."""
    if row.pair_id is None and not row.brings_private_key:
        return _rejected([_unknown_key()])
    if row.pair_id is not None and (problem := _batch_problem(row, rules)):
        return _rejected([problem])
    if row.own_mac is not None:
        differing = _differences(row)
        return _rejected(differing) if differing else Verdict(Outcome.UNCHANGED, [])
    problems = [*_device_problems(row, rules), *_run_problems(row, rules)]
    return _rejected(problems) if problems else Verdict(Outcome.VALID, [])


def _rejected(problems: list[Problem]) -> Verdict:
    return Verdict(Outcome.REJECTED, problems)


def _unknown_key() -> Problem:
    return Problem(
        columns.KEY,
        "unknown_key",
        "No key pair has this key: check that it was copied whole, from the batch's export.",
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


def _differences(row: Facts) -> list[Problem]:
    """Where the row contradicts the tracker that its device is already; an empty cell contradicts nothing."""
    stored = (
        (columns.MAC, row.mac, row.own_mac),
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


def _device_problems(row: Facts, rules: Rules) -> list[Problem]:
    problems = []
    if row.mac_owner is not None:
        problems.append(
            Problem(
                columns.MAC, "mac_taken", f"Another device is registered with the MAC {row.mac}: correct one."
            )
        )
    elif row.mac_of_other_device:
        problems.append(
            Problem(
                columns.MAC,
                "mac_of_another_device",
                f"{row.mac} is the MAC of another device's key: look for rows that are mixed up.",
            )
        )
    elif (problem := _mismatch(row)) and not rules.accept_mac_mismatch:
        problems.append(problem)
    if row.key_mac_taken:
        message = "Another key pair implies the same MAC: this key can't be imported."
        problems.append(Problem(columns.KEY, "key_mac_taken", message))
    if row.serial_owner is not None:
        message = f"Another device is registered with the serial {row.serial}: correct one."
        problems.append(Problem(columns.SERIAL, "serial_taken", message))
    if row.manufactured_at and row.manufactured_at > rules.now + CLOCK_TOLERANCE:
        problems.append(
            Problem(columns.MANUFACTURED_AT, "in_the_future", "It is manufactured in the future: correct it.")
        )
    return problems


def _mismatch(row: Facts) -> Problem | None:
    """A device with one key advertises under the MAC that the key implies; with more keys, under each in turn."""
    implied = row.pair_mac or row.key_mac
    if (row.keys_per_device or 1) > 1 or row.mac == implied:
        return None
    return Problem(
        columns.MAC,
        "mac_mismatch",
        f"The key implies the MAC {implied}, the row says {row.mac}: correct it, or import with “accept other MACs” if"
        " the device has an address of its own.",
    )


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
        return [Problem("", "duplicate_row", f"The same as row {row.same_row}: delete one of them.")]
    found = (
        (columns.MAC, "duplicate_mac", "the MAC", row.other_mac),
        (columns.SERIAL, "duplicate_serial", "the serial", row.other_serial),
        (columns.KEY, "duplicate_key", "the key, or another of the same device,", row.other_key),
    )
    return [
        Problem(column, code, f"Row {other} has {what} too: correct one of them.")
        for column, code, what, other in found
        if other
    ]
