"""`.keys` files of the generators around OpenHaystack and macless-haystack: for each key a line `Private key: …`, one
`Advertisement key: …` and one `Hashed adv key: …`, all in base64. One file is one device, named after the file.

Beside them lie files for the firmware, in which public keys stand one after another.
"""

import io
import re
from collections.abc import Iterator
from pathlib import PurePath

from foundation.tables import decoding
from foundation.tables.cells import clean, plain, visible
from keys.advertisement import KEY_BYTES
from keys.imports.native.devices import NativeDevice, NativeKey, Unreadable, too_many_keys

FILE = Unreadable("a .keys file")
KEYFILE = Unreadable("a keyfile for firmware")
RAW_KEYS = Unreadable("a file of raw keys for firmware")

_LONGEST = 500
_LINE = re.compile(r"\s*([A-Za-z][A-Za-z _-]*?)\s*[:=]\s*(\S.*?)?\s*")
_PRIVATE, _ADVERTISEMENT, _HASHED, _MAC = "private_key", "advertisement_key", "hashed_key", "mac"
_LABELS = {
    "private key": _PRIVATE,
    "advertisement key": _ADVERTISEMENT,
    "adv key": _ADVERTISEMENT,
    "public key": _ADVERTISEMENT,
    "hashed adv key": _HASHED,
    "hashed advertisement key": _HASHED,
    "mac": _MAC,
    "mac address": _MAC,
}
_SNIFFED = re.compile(
    r"\s*(?:private|advertisement|adv|public|hashed adv(?:ertisement)?) key\s*[:=]", re.IGNORECASE
)


def is_keys_file(head: str) -> bool:
    """By the beginning of a text."""
    return bool(_SNIFFED.match(head))


def refuse_firmware_files(content: bytes) -> None:
    """Raise UnreadableFileError for files of raw public keys, which name no device and open no report."""
    what_to_do = "it holds public keys only: send the .keys file or the devices.json that was made with it."
    if len(content) > 1 and len(content) == 1 + content[0] * KEY_BYTES and _is_random(content):
        KEYFILE.refuse(what_to_do)
    if content and len(content) % KEY_BYTES == 0 and _is_random(content):
        RAW_KEYS.refuse(what_to_do)


def read(content: bytes, file_name: str) -> NativeDevice:
    """The device of a `.keys` file. Raises UnreadableFileError."""
    text = decoding.open_text(io.BytesIO(content), max_bytes=len(content)).read()
    keys: list[dict[str, str]] = []
    macs: list[str] = []
    for label, value in _lines(text):
        if label == _MAC:
            macs.append(value)
        elif not keys or label in keys[-1]:
            keys.append({label: value})
        else:
            keys[-1][label] = value
    found = tuple(NativeKey(index, **key) for index, key in enumerate(keys))
    return NativeDevice(_name(file_name), found, macs[0] if macs else "", too_many_keys(found))


def _lines(text: str) -> Iterator[tuple[str, str]]:
    for number, line in enumerate(visible(text).splitlines(), start=1):
        if not line.strip():
            continue
        found = _LINE.fullmatch(line)
        label = _LABELS.get(re.sub(r"[\s_-]+", " ", found[1]).lower()) if found else None
        if not found or label is None:
            FILE.refuse(
                f"line {number} is none of its own: each begins with Private key:, Advertisement key: or Hashed adv"
                " key:."
            )
        if not found[2]:
            FILE.refuse(f"line {number} says nothing after its colon: copy the key whole.")
        yield label, clean(plain(found[2]), _LONGEST)


def _name(file_name: str) -> str:
    """Of `BIKE.keys` it is BIKE; a file that came under another name tells none."""
    path = PurePath(file_name)
    return clean(path.stem, _LONGEST) if path.suffix.lower() == ".keys" else ""


def _is_random(content: bytes) -> bool:
    """Of random bytes half are beyond ASCII, of a text in any encoding a few."""
    return sum(byte >= 0x80 for byte in content) > len(content) / 4
