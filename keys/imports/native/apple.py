"""Property lists: of OpenHaystack, whose accessories they may hold, and of Apple's own Find My, whose accessories have
rolling keys (`sharedSecret` and the like) and are refused."""

import base64
import plistlib
from collections.abc import Mapping
from typing import Any
from xml.parsers.expat import ExpatError

from keys.imports.native.devices import NativeDevice, Unreadable, keys_of, rolling, text_of

FILE = Unreadable("a property list")
# Encrypted by the Mac that it is of.
RECORD = Unreadable("an encrypted record of Apple's Find My app")

SECRETS = {"sharedSecret", "secondarySharedSecret", "secureLocationsSharedSecret"}


def is_beacon(value: Mapping[str, Any]) -> bool:
    return bool(SECRETS & value.keys()) or isinstance(value.get("privateKey"), dict)


def beacon(value: Mapping[str, Any], number: int) -> NativeDevice:
    name = text_of(value.get("name")) or text_of(value.get("identifier"))
    problem = rolling("an accessory of Apple's Find My (privateKey, sharedSecret)")
    return NativeDevice(name, keys_of([""]), problems=(problem,))


def load(content: bytes) -> list[Any]:
    """The objects of a property list, in XML or binary; bytes as base64. Raises UnreadableFileError."""
    try:
        value = plistlib.loads(content)
    except (
        ValueError,
        KeyError,
        IndexError,
        TypeError,
        AttributeError,
        OverflowError,
        RecursionError,
        ExpatError,
    ):
        FILE.refuse("it is not whole: export it again.")
    if isinstance(value, list) and value and all(isinstance(item, bytes) for item in value):
        RECORD.refuse("it can only be read on its own Mac, and the accessories in it have rolling keys.")
    objects = value if isinstance(value, list) else [value]
    return [_as_json(item) if isinstance(item, dict) else item for item in objects]


def _as_json(value: Mapping[str, Any]) -> dict[str, Any]:
    return {str(name): _encoded(item) for name, item in value.items()}


def _encoded(value: Any) -> Any:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    return [_encoded(item) for item in value] if isinstance(value, list) else value
