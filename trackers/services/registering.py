"""Receives devices in stock as trackers: the only way in which trackers come into being."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from django.db import transaction

from foundation import bulk, sql, wording
from foundation.errors import DomainError
from trackers.models import Tracker

REGISTER_TRACKERS = sql.load("trackers/register_trackers")
NAMED = 5


class TrackerTakenError(DomainError):
    """A MAC or a serial that another tracker has."""

    code = "tracker_taken"


class NewTracker(NamedTuple):
    """A device to be registered. mac: as `parse_mac` gives it; serial: None where there is none; state: IN_STOCK, or
    ACTIVE for a device that is in use already."""

    mac: str
    serial: str | None = None
    firmware: str = ""
    hardware_revision: str = ""
    manufactured_at: datetime | None = None
    state: Tracker.State = Tracker.State.IN_STOCK


def register_trackers(*, devices: Sequence[NewTracker], now: datetime) -> dict[str, int]:
    """Register the devices, all of them or none; returns the trackers' ids by MAC, in the order given.

    One statement for any number of devices. Raises TrackerTakenError, naming the first of the MACs and serials that
    another tracker has or that are given twice, and `django.db.IntegrityError` for a MAC that isn't normalised.
    """
    columns: dict[str, list[object]] = {
        "macs": [device.mac for device in devices],
        "serials": [device.serial for device in devices],
        "firmwares": [device.firmware for device in devices],
        "hardware_revisions": [device.hardware_revision for device in devices],
        "manufactured_ats": [device.manufactured_at for device in devices],
        "states": [device.state.value for device in devices],
    }
    with transaction.atomic():
        registered: dict[str, int] = dict(bulk.fetch_all(REGISTER_TRACKERS, columns | {"now": now}))
        some_are_taken = len(registered) < len(devices)
        transaction.set_rollback(some_are_taken)
    if some_are_taken:
        raise _taken(devices)
    return registered


def _taken(devices: Sequence[NewTracker]) -> TrackerTakenError:
    macs, serials = [device.mac for device in devices], [device.serial for device in devices if device.serial]
    twice = [*_twice(macs), *_twice(serials)]
    if twice:
        return TrackerTakenError(f"Given to two devices: {_first_of(twice)}. Give each device its own.")
    taken = [
        *Tracker.objects.filter(mac__in=macs).values_list("mac", flat=True),
        *filter(None, Tracker.objects.filter(serial__in=serials).values_list("serial", flat=True)),
    ]
    return TrackerTakenError(f"Registered already: {_first_of(taken)}. Leave these out.")


def _twice(names: Iterable[str]) -> list[str]:
    return [name for name, times in Counter(names).items() if times > 1]


def _first_of(names: Iterable[str]) -> str:
    return wording.some_of(sorted(names), most=NAMED)
