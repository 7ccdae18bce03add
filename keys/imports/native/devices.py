"""Devices of another program's file, as the rows of a table would tell them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, NoReturn

from foundation.tables import BadCellError, PassedOver, Problem, UnreadableFileError
from foundation.tables.cells import clean
from keys import advertisement
from keys.advertisement import MAX_KEYS_PER_DEVICE
from keys.imports import cells, columns

_LONGEST = 500


@dataclass(frozen=True, slots=True)
class NativeKey:
    """A key as its file has it, each part in base64 or hex; empty where there is none."""

    index: int
    private_key: str = field(default="", repr=False)
    advertisement_key: str = ""
    hashed_key: str = ""


@dataclass(frozen=True, slots=True)
class NativeDevice:
    """A device in the order of its file; the first key is the one that it is known by.

    name: what its owner calls it, which becomes the serial. mac: empty where the file has none, as it is then that of
    the first key. problems: why the device can't be used; warnings: what was done to it.
    """

    name: str
    keys: tuple[NativeKey, ...] = field(repr=False)
    mac: str = ""
    problems: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()

    def cells(self, key: NativeKey) -> dict[str, str]:
        """The row of a key."""
        return {
            columns.MAC: self.mac or self._mac_of_first_key(),
            columns.SERIAL: self.name,
            columns.KEY_INDEX: str(key.index),
            columns.KEY: key.advertisement_key,
            columns.HASHED_KEY: key.hashed_key,
            columns.PRIVATE_KEY: key.private_key,
        }

    def _mac_of_first_key(self) -> str:
        """Empty where the key is of no use: that is told by its row."""
        first = self.keys[0]
        try:
            if first.private_key:
                return cells.private_key(first.private_key).mac
            known, _ = cells.public_key(first.advertisement_key)
        except BadCellError:
            return ""
        return advertisement.mac_address(known) if known else ""


class NativeFile(NamedTuple):
    """The devices of a file, and what else it holds."""

    devices: Sequence[NativeDevice]
    passed_over: PassedOver


class Unreadable(NamedTuple):
    """Refuses a file of a format, with the format's name."""

    title: str

    def refuse(self, why: str) -> NoReturn:
        """Raise UnreadableFileError; `why` ends in what to do."""
        raise UnreadableFileError(f"This looks like {self.title}, but {why}")


def text_of(value: Any) -> str:
    """A value of JSON or of a property list as a cell; empty where there is none."""
    return clean(value if isinstance(value, str) else "", _LONGEST)


def keys_of(private_keys: Sequence[str]) -> tuple[NativeKey, ...]:
    return tuple(NativeKey(index, private_key=key) for index, key in enumerate(private_keys))


def too_many_keys(keys: Sequence[object]) -> tuple[Problem, ...]:
    if len(keys) <= MAX_KEYS_PER_DEVICE:
        return ()
    message = f"The device has {len(keys):,} keys; at most {MAX_KEYS_PER_DEVICE} can be used."
    return (Problem(columns.KEY_INDEX, "too_many_keys", message),)


def rolling(title: str) -> Problem:
    """An accessory that makes a new key every 15 minutes from secrets that it shares with Apple."""
    return Problem(
        columns.PRIVATE_KEY,
        "rolling_keys",
        f"This is {title}: its keys roll. It makes new ones from a shared secret all the time, and only devices with"
        " fixed keys can be fetched. Leave it out.",
    )


def with_names_of_their_own(devices: Sequence[NativeDevice]) -> list[NativeDevice]:
    """The devices, those that share a name numbered, as a serial is one device's: “bike”, “bike (2)”."""
    taken = {device.name for device in devices}
    seen: set[str] = set()
    named: list[NativeDevice] = []
    for device in devices:
        name, number = device.name, 1
        while name and name in seen:
            number += 1
            candidate = f"{device.name} ({number})"
            name = candidate if candidate not in taken else name
        seen.add(name)
        named.append(device if name == device.name else _renamed(device, name))
    return named


def _renamed(device: NativeDevice, name: str) -> NativeDevice:
    message = f"Another device of the file has this name too: this one gets the serial {name}."
    warning = Problem(columns.SERIAL, "name_given_twice", message)
    return NativeDevice(name, device.keys, device.mac, device.problems, (*device.warnings, warning))
