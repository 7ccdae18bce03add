"""Devices of OpenHaystack and of macless-haystack, which goes on from it: an array of accessories, as JSON or as a
property list. Each has `name`, `id` and `privateKey` (28 bytes in base64); macless-haystack adds `additionalKeys`.

Where `usesDerivation` is set, the firmware makes new keys from `symmetricKey`.
"""

from collections.abc import Mapping
from typing import Any

from foundation.tables import Problem
from keys.imports import columns
from keys.imports.native.devices import (
    NativeDevice,
    NativeKey,
    Unreadable,
    keys_of,
    rolling,
    text_of,
    too_many_keys,
)

OPENHAYSTACK = Unreadable("an OpenHaystack export")
MACLESS = Unreadable("a macless-haystack export")

# Of an accessory: what becomes of it here, and what only those programs need.
USED = {"name", "privateKey", "additionalKeys", "usesDerivation", "mac", "macAddress"}
# Names that no table of devices has.
OWN = {"additionalKeys", "colorComponents", "colorSpaceName", "isDeployed", "usesDerivation", "symmetricKey"}
# Of a device with its keys, as OpenHaystack hands them on for fetching.
DEVICE_USED = {"deviceId", "keys"}


def is_accessory(value: Mapping[str, Any]) -> bool:
    """A row of a table may have a privateKey too, but then it has a MAC."""
    if OWN & value.keys():
        return True
    is_row = any(columns.TABLE.canonical(name) == columns.MAC for name in value)
    return "privateKey" in value and bool({"name", "id"} & value.keys()) and not is_row


def is_device(value: Mapping[str, Any]) -> bool:
    return "deviceId" in value and "keys" in value


def title_of(value: Mapping[str, Any]) -> Unreadable:
    return MACLESS if "additionalKeys" in value else OPENHAYSTACK


def accessory(value: Mapping[str, Any], number: int) -> NativeDevice:
    """The device of an accessory, the `number`th of its file: `privateKey` is the key that it is known by, those that
    it rotates through follow. Raises UnreadableFileError."""
    title = title_of(value)
    first, more = value.get("privateKey"), value.get("additionalKeys")
    if more is not None and not isinstance(more, list):
        title.refuse(f"additionalKeys of accessory {number} is no list: export it again.")
    private_keys = [text_of(key) for key in (first, *(more or []))]
    problems = list(too_many_keys(private_keys))
    if not all(private_keys):
        problems.append(
            _missing(title, f"privateKey or one of additionalKeys of accessory {number} is no text")
        )
    if value.get("usesDerivation") is True:
        problems = [rolling("an OpenHaystack accessory with key derivation")]
    mac = text_of(value.get("mac") or value.get("macAddress"))
    return NativeDevice(text_of(value.get("name")), keys_of(private_keys), mac, tuple(problems))


def device(value: Mapping[str, Any], number: int) -> NativeDevice:
    """The device of a list of `keys`, each with its private and its advertised one. Raises UnreadableFileError."""
    keys = value["keys"]
    if not isinstance(keys, list) or not keys or not all(isinstance(key, dict) for key in keys):
        OPENHAYSTACK.refuse(f"device {number} has no list of keys: export it again.")
    found = tuple(
        NativeKey(
            index,
            private_key=text_of(key.get("privateKey")),
            advertisement_key=text_of(key.get("advertisedKey")),
            hashed_key=text_of(key.get("hashedKey")),
        )
        for index, key in enumerate(keys)
    )
    return NativeDevice(text_of(value["deviceId"]), found, problems=too_many_keys(found))


def _missing(title: Unreadable, what: str) -> Problem:
    return Problem(
        columns.PRIVATE_KEY, "missing", f"This looks like {title.title}, but {what}: export it again."
    )
