"""Which program a file is of, by its content."""

import io
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from foundation import strict_json
from foundation.tables import PassedOver, UnreadableFileError, decoding, json_arrays
from foundation.tables.cells import visible, without_leading_marks
from foundation.tables.problems import quoted
from keys.imports.native import apple, findmy_py, haystack, key_files
from keys.imports.native.devices import NativeDevice, NativeFile, Unreadable, with_names_of_their_own
from keys.imports.secrecy import could_be_key

_SNIFFED_BYTES = 4_096
# A single accessory is a kilobyte; whatever is larger is no such file.
_MAX_OBJECT_BYTES = 2**20
_EXAMPLE = '{"name": "…", "privateKey": "…"}'


class Kind(NamedTuple):
    """What an object of a file is, how it is read, and which of its members that uses."""

    is_one: Callable[[Mapping[str, Any]], bool]
    read: Callable[[Mapping[str, Any], int], NativeDevice]
    used: set[str]
    title: Callable[[Mapping[str, Any]], Unreadable]


# Apple's own first: its accessories have a `privateKey` too.
KINDS = (
    Kind(
        apple.is_beacon,
        apple.beacon,
        {"name", "identifier", "privateKey", *apple.SECRETS},
        lambda _: apple.FILE,
    ),
    Kind(
        findmy_py.is_accessory,
        findmy_py.accessory,
        findmy_py.USED | findmy_py.SECRETS,
        lambda _: findmy_py.FILE,
    ),
    Kind(haystack.is_accessory, haystack.accessory, haystack.USED, haystack.title_of),
    Kind(haystack.is_device, haystack.device, haystack.DEVICE_USED, lambda _: haystack.OPENHAYSTACK),
)

MEMBERS_OF = (
    (findmy_py.FILE, (findmy_py.STATIC, "private_keys", *findmy_py.SECRETS)),
    (haystack.MACLESS, ("additionalKeys",)),
    (haystack.OPENHAYSTACK, tuple(haystack.OWN)),
)


def read(content: bytes, file_name: str) -> NativeFile | None:
    """The devices of a file of another program, None for a table. Raises UnreadableFileError with the format's name."""
    if content.startswith(b"bplist00"):
        return _file(apple.load(content))
    key_files.refuse_firmware_files(content)
    head = visible(content[:_SNIFFED_BYTES].decode("utf-8", "replace")).lstrip()
    if head.startswith("<"):
        return _file(_of_xml(content, head))
    if key_files.is_keys_file(head):
        return NativeFile([key_files.read(content, file_name)], PassedOver())
    if head.startswith("{"):
        return _single(content)
    return _array(content) if head.startswith("[") else None


def _of_xml(content: bytes, head: str) -> list[Any]:
    if "<plist" not in head and "DOCTYPE plist" not in head:
        raise UnreadableFileError("This is XML or HTML, and no file of devices: send CSV or JSON.")
    return apple.load(content)


def _single(content: bytes) -> NativeFile | None:
    if len(content) > _MAX_OBJECT_BYTES:
        return None
    text = without_leading_marks(decoding.open_text(io.BytesIO(content), max_bytes=len(content)).read())
    try:
        value = strict_json.Decoder(numbers_as_text=True).decode(text.strip())
    except strict_json.UnfitJsonError as error:
        twice = f"it names {quoted(error.name, could_be_key)} twice" if error.name else error.message
        _refuse_broken(text, f"{twice}: export it again.")
        return None
    except json.JSONDecodeError:
        _refuse_broken(text, "it is no valid JSON, or is cut off: export it again.")
        return None
    if findmy_py.is_account(value):
        raise UnreadableFileError(
            "This looks like a FindMy.py account: it holds a sign-in, and no keys of devices. Keep it where it is."
        )
    return _file([value]) if _kind_of(value) else None


def _array(content: bytes) -> NativeFile | None:
    """An array whose first object is an accessory; whatever else it is, the reader of tables says what is wrong."""
    objects = _objects(content)
    try:
        first = next(objects, None)
    except UnreadableFileError as error:
        _refuse_broken(content[:_SNIFFED_BYTES].decode("utf-8", "replace"), _continued(error))
        return None
    kind = _kind_of(first) if first is not None else None
    if first is None or kind is None:
        return None
    try:
        return _file([first, *objects])
    except UnreadableFileError as error:
        if error.message.startswith("This looks like"):
            raise
        kind.title(first).refuse(_continued(error))


def _objects(content: bytes) -> Iterator[dict[str, Any]]:
    text = decoding.open_text(io.BytesIO(content), max_bytes=len(content))
    for item in json_arrays.objects(text, example=_EXAMPLE, conceal=could_be_key):
        yield item.value


def _refuse_broken(text: str, why: str) -> None:
    """Raise UnreadableFileError for JSON that can't be decoded and names what only such a program writes."""
    for title, members in MEMBERS_OF:
        if any(f'"{member}"' in text for member in members):
            title.refuse(why)


def _continued(error: UnreadableFileError) -> str:
    return f"{error.message[:1].lower()}{error.message[1:]}"


def _kind_of(value: Any) -> Kind | None:
    if not isinstance(value, dict):
        return None
    return next((kind for kind in KINDS if kind.is_one(value)), None)


def _file(values: list[Any]) -> NativeFile:
    if not values:
        raise UnreadableFileError("The file has no devices: export it again.")
    passed_over = PassedOver()
    devices = []
    for number, value in enumerate(values, start=1):
        kind = _kind_of(value)
        if kind is None:
            raise UnreadableFileError(
                f"Row {number} is no accessory with keys: take it out, or export the file again."
            )
        devices.append(kind.read(value, number))
        passed_over.columns += sorted(value.keys() - kind.used - set(passed_over.columns))
    _refuse_if_all_roll(devices)
    return NativeFile(with_names_of_their_own(devices), passed_over)


def _refuse_if_all_roll(devices: list[NativeDevice]) -> None:
    reasons = [
        problem.message for device in devices for problem in device.problems if problem.code == "rolling_keys"
    ]
    if devices and len(reasons) == len(devices):
        raise UnreadableFileError(reasons[0])
