"""Faults that the local gateway injects on request, as counts of requests or as rates."""

from collections.abc import Mapping
from enum import StrEnum
from random import Random
from threading import Lock


class Fault(StrEnum):
    """What a fetch meets instead of, or within, a good answer. One request meets at most one."""

    UNAUTHORIZED = "unauthorized"
    THROTTLED = "throttled"
    UNAVAILABLE = "unavailable"
    EMPTY = "empty"
    TRUNCATED = "truncated"
    MISSING_LOCATIONS = "missing_locations"
    FOREIGN_ID = "foreign_id"
    BAD_TAG = "bad_tag"
    SLOW = "slow"


class FaultError(ValueError):
    """A fault that nobody knows, or a count or rate that makes no sense."""


class FaultBox:
    """Faults waiting for their requests; safe between threads. The order of `Fault` breaks ties."""

    def __init__(self, seed: int) -> None:
        self._lock = Lock()
        # Not for secrets: a seed gives the same faults again.
        self._draw = Random(f"faults:{seed}")  # noqa: S311
        self._pending: dict[Fault, int | float] = {}

    def set(self, faults: Mapping[str, object]) -> None:
        """Plan faults by name: a whole number for that many of the next requests, a fraction for a rate.

        0 takes a fault back. Raises FaultError, and then changes nothing.
        """
        checked = {_fault(name): _amount(name, amount) for name, amount in faults.items()}
        with self._lock:
            self._pending.update(checked)

    def take(self) -> Fault | None:
        """Return the fault that the request at hand meets."""
        with self._lock:
            for fault in Fault:
                amount = self._pending.get(fault, 0)
                if isinstance(amount, float):
                    if self._draw.random() < amount:
                        return fault
                elif amount > 0:
                    self._pending[fault] = amount - 1
                    return fault
        return None

    def pending(self) -> dict[str, int | float]:
        """Return what is still to come, by name."""
        with self._lock:
            return {fault.value: amount for fault, amount in self._pending.items() if amount}


def parse_fault(text: str) -> tuple[str, int | float]:
    """Read `NAME=COUNT` or `NAME=RATE`; a rate is written with a point. Raises FaultError."""
    name, _, amount = text.partition("=")
    try:
        number: int | float = float(amount) if "." in amount else int(amount)
    except ValueError as error:
        raise FaultError(f"{text!r}: write NAME=COUNT, or NAME=RATE with a point as in 0.1") from error
    return _fault(name).value, _amount(name, number)


def _fault(name: str) -> Fault:
    try:
        return Fault(name)
    except ValueError as error:
        raise FaultError(f"{name!r} is none of {', '.join(Fault)}") from error


def _amount(name: str, amount: object) -> int | float:
    if isinstance(amount, float) and 0 <= amount <= 1:
        return amount
    if isinstance(amount, int) and not isinstance(amount, bool) and amount >= 0:
        return amount
    raise FaultError(f"{name}: {amount!r} is neither a count nor a rate from 0.0 to 1.0")
