"""Accessories as FindMy.py keeps them: a JSON object with a `type`, or an array of such.

Static keys: `custom_rolling_key_accessory` with `private_keys` in hex, and `keypair` with `private_key` in base64. What
it calls `accessory` is an AirTag or the like, with `master_key`, `skn` and `sks`.
"""

from collections.abc import Mapping
from typing import Any

from keys.imports.native.devices import NativeDevice, Unreadable, keys_of, rolling, text_of, too_many_keys

FILE = Unreadable("a FindMy.py accessory")

STATIC, SINGLE, ROLLING = "custom_rolling_key_accessory", "keypair", "accessory"
USED = {"type", "private_keys", "private_key", "name", "identifier", "serial_number"}
SECRETS = {"master_key", "skn", "sks"}


def is_accessory(value: Mapping[str, Any]) -> bool:
    return (
        value.get("type") in (STATIC, SINGLE, ROLLING)
        or bool(SECRETS & value.keys())
        or "private_keys" in value
    )


def is_account(value: Mapping[str, Any]) -> bool:
    """What it keeps of a sign-in: no device."""
    return value.get("type") == "account" or {"anisette", "login_state"} <= value.keys()


def accessory(value: Mapping[str, Any], number: int) -> NativeDevice:
    """The device of an accessory, the `number`th of its file. Raises UnreadableFileError."""
    name = (
        text_of(value.get("name")) or text_of(value.get("serial_number")) or text_of(value.get("identifier"))
    )
    if value.get("type") == ROLLING or SECRETS & value.keys():
        problem = rolling("an accessory of Apple's Find My (master_key, skn, sks)")
        return NativeDevice(name, keys_of([""]), problems=(problem,))
    private_keys = value.get("private_keys", [value.get("private_key")])
    if (
        not isinstance(private_keys, list)
        or not private_keys
        or not all(isinstance(key, str) for key in private_keys)
    ):
        FILE.refuse(f"accessory {number} has no list of private keys as text: save it again.")
    keys = keys_of([text_of(key) for key in private_keys])
    return NativeDevice(name, keys, problems=too_many_keys(keys))
