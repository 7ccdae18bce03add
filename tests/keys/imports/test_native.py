"""Files of other programs, as these write them: what becomes of them, and how what can't be read is named."""

import base64
import json
import plistlib
from datetime import UTC, datetime

import pytest
from findmy import FindMyAccessory, KeyPair
from findmy.accessory import FixedRollingKeyPairAccessory
from hypothesis import given
from hypothesis import strategies as st

from foundation.tables import UnreadableFileError
from keys import advertisement
from keys.imports.rows import parse
from tests.laws import law

PAIRS = [advertisement.derive_key_pair(bytes([n]) * 28) for n in range(1, 5)]
PRIVATE = [base64.b64encode(pair.private_key).decode() for pair in PAIRS]


def haystack(name="bike", key=PRIVATE[0], **more):
    return {
        "id": 7,
        "colorComponents": [0, 1, 0, 1],
        "name": name,
        "privateKey": key,
        "icon": "",
        "colorSpaceName": "kCGColorSpaceExtendedSRGB",
        "isActive": True,
    } | more


def openhaystack(name="bike", key=PRIVATE[0], **more):
    return haystack(name, key) | {
        "isDeployed": True,
        "usesDerivation": False,
        "symmetricKey": "",
        "oldestRelevantSymmetricKey": "",
        "lastDerivationTimestamp": 0.5,
        "updateInterval": 86400,
    } | more  # fmt: skip


def keys_file(*pairs):
    return "".join(
        f"Private key: {base64.b64encode(pair.private_key).decode()}\n"
        f"Advertisement key: {base64.b64encode(pair.advertisement_key).decode()}\n"
        f"Hashed adv key: {pair.hashed_key}\n"
        for pair in pairs
    ).encode()


def read(content, file_name=""):
    """For each row: device, number of the key, serial, MAC, private key."""
    if not isinstance(content, bytes):
        content = json.dumps(content).encode()
    rows = list(parse(content, file_name))
    assert [problem for row in rows for problem in row.problems] == []
    return [(row.device, row.key_index, row.serial, row.mac, row.private_key) for row in rows]


def refusal(content, file_name=""):
    with pytest.raises(UnreadableFileError) as raised:
        list(parse(content if isinstance(content, bytes) else json.dumps(content).encode(), file_name))
    return raised.value.message


def of(device, serial, *pairs):
    """What `read` gives for a device with these keys."""
    return [(device, n, serial, pairs[0].mac, pair.private_key) for n, pair in enumerate(pairs)]


def problems(content):
    content = content if isinstance(content, bytes) else json.dumps(content).encode()
    return [[(problem.column, problem.code) for problem in row.problems] for row in parse(content)]


class TestStatic:
    def test_macless_haystack_with_additional_keys(self):
        devices = [
            haystack("bike", PRIVATE[0], additionalKeys=PRIVATE[1:3]),
            haystack("car", PRIVATE[3], additionalKeys=[]),
        ]
        assert read(devices) == [*of(1, "bike", *PAIRS[:3]), *of(4, "car", PAIRS[3])]

    @pytest.mark.parametrize("indent", [None, 2])
    def test_openhaystack(self, indent):
        content = json.dumps([openhaystack("bike"), openhaystack("car", PRIVATE[1])], indent=indent)
        assert read(content.encode()) == [*of(1, "bike", PAIRS[0]), *of(2, "car", PAIRS[1])]

    @pytest.mark.parametrize("format_", [plistlib.FMT_XML, plistlib.FMT_BINARY])
    def test_openhaystack_as_a_property_list(self, format_):
        devices = [openhaystack("bike", PAIRS[0].private_key, symmetricKey=b"")]
        assert read(plistlib.dumps(devices, fmt=format_)) == of(1, "bike", PAIRS[0])

    def test_openhaystacks_devices_with_lists_of_keys(self):
        keys = [
            {
                "privateKey": base64.b64encode(pair.private_key).decode(),
                "advertisedKey": base64.b64encode(pair.advertisement_key).decode(),
                "hashedKey": pair.hashed_key,
            }
            for pair in PAIRS[:2]
        ]
        assert read([{"deviceId": "bike", "keys": keys}]) == of(1, "bike", *PAIRS[:2])

    def test_what_findmy_py_itself_writes(self, tmp_path):
        path = tmp_path / "accessory.json"
        private_keys = [pair.private_key for pair in PAIRS[:3]]
        FixedRollingKeyPairAccessory(private_keys=private_keys, name="bike", identifier="7").to_json(path)
        assert read(path.read_bytes()) == of(1, "bike", *PAIRS[:3])
        FixedRollingKeyPairAccessory(private_keys=private_keys, identifier="7").to_json(path)
        assert read(path.read_bytes()) == of(1, "7", *PAIRS[:3])
        KeyPair(PAIRS[1].private_key, name="car").to_json(path)
        assert read(path.read_bytes()) == of(1, "car", PAIRS[1])

    def test_several_of_findmy_py_in_an_array(self):
        devices = [
            {
                "type": "custom_rolling_key_accessory",
                "private_keys": [pair.private_key.hex()],
                "name": f"N{n}",
            }
            for n, pair in enumerate(PAIRS)
        ]
        assert [row[2] for row in read(devices)] == ["N0", "N1", "N2", "N3"]

    @pytest.mark.parametrize("file_name", ["BIKE.keys", "/home/me/BIKE.KEYS"])
    @pytest.mark.parametrize("end", ["\n", "\r\n"])
    @pytest.mark.parametrize("before", ["", "\ufeff", "\n\u200b"])
    def test_keys_file_is_a_device_of_its_name(self, file_name, end, before):
        content = before.encode() + keys_file(*PAIRS[:3]).replace(b"\n", end.encode())
        assert read(content, file_name) == of(1, "BIKE", *PAIRS[:3])

    def test_keys_file_under_another_name_tells_no_serial(self):
        assert read(keys_file(PAIRS[0]), "devices.csv") == of(1, "", PAIRS[0])

    def test_private_keys_alone_are_enough(self):
        lines = b"".join(line + b"\n" for line in keys_file(*PAIRS[:2]).splitlines() if b"Private" in line)
        assert read(lines) == of(1, "", *PAIRS[:2])

    def test_mac_that_the_file_has_is_taken(self):
        assert read([haystack(macAddress="c0:00:00:00:00:01")])[0][3] == "C0:00:00:00:00:01"

    def test_names_given_twice_get_a_number_and_a_warning(self):
        devices = [haystack("bike", key) for key in PRIVATE[:2]] + [haystack("bike (2)", PRIVATE[2])]
        rows = list(parse(json.dumps(devices).encode()))
        assert [row.serial for row in rows] == ["bike", "bike (3)", "bike (2)"]
        assert [[warning.code for warning in row.warnings] for row in rows] == [[], ["name_given_twice"], []]

    def test_members_that_only_the_program_needs_are_told_as_passed_over(self):
        parsed = parse(json.dumps([haystack()]).encode())
        list(parsed)
        assert str(parsed.passed_over) == "the columns colorComponents, colorSpaceName, icon, id, isActive"

    def test_table_with_private_keys_is_still_a_table(self):
        row = {"MAC": PAIRS[0].mac, "serial": "bike", "privateKey": PRIVATE[0]}
        (found,) = parse(json.dumps([row]).encode())
        assert (found.serial, found.is_native, found.problems) == ("bike", False, [])


class TestRefused:
    def test_airtag_of_findmy_py(self, tmp_path):
        path = tmp_path / "airtag.json"
        FindMyAccessory(
            master_key=bytes(28), skn=bytes(32), sks=bytes(32), paired_at=datetime(2026, 1, 1, tzinfo=UTC)
        ).to_json(path)
        assert "its keys roll" in refusal(path.read_bytes())

    def test_airtag_without_its_type(self):
        assert "its keys roll" in refusal({"master_key": "00" * 28, "skn": "00" * 32, "sks": "00" * 32})

    @pytest.mark.parametrize("format_", [plistlib.FMT_XML, plistlib.FMT_BINARY])
    @pytest.mark.parametrize("secret", ["sharedSecret", "secureLocationsSharedSecret"])
    def test_airtag_of_apple(self, format_, secret):
        key = {"key": {"data": bytes(28)}}
        value = {"privateKey": key, secret: key, "model": "", "pairingDate": datetime(2026, 1, 1)}  # noqa: DTZ001
        assert "its keys roll" in refusal(plistlib.dumps(value, fmt=format_))

    def test_one_with_key_derivation_among_others_is_refused_alone(self):
        found = problems([openhaystack("bike"), openhaystack("car", PRIVATE[1], usesDerivation=True)])
        assert found == [[], [("private_key", "rolling_keys")]]

    def test_encrypted_record_of_apple(self):
        record = plistlib.dumps([b"nonce", b"tag", b"ciphertext"], fmt=plistlib.FMT_BINARY)
        assert "an encrypted record of Apple's Find My app" in refusal(record)

    def test_sign_in_of_findmy_py(self):
        assert "a FindMy.py account" in refusal({"type": "account", "anisette": {}, "login_state": 3})

    @pytest.mark.parametrize(
        ("content", "said"),
        [
            ([haystack(additionalKeys="x")], "a macless-haystack export, but additionalKeys of accessory 1 is no list"),
            ([openhaystack(), {"a": 1}], "an OpenHaystack export, but row 2 is no accessory with keys"),
            ([openhaystack(), 1], "an OpenHaystack export, but row 2 is no object"),
            ([{"deviceId": "bike", "keys": []}], "an OpenHaystack export, but device 1 has no list of keys"),
            ({"type": "custom_rolling_key_accessory", "private_keys": "x"}, "a FindMy.py accessory, but accessory 1"),
            (b'[{"colorComponents": [0], "privateKey": ', "an OpenHaystack export, but row 1 is no valid JSON"),
            (json.dumps([openhaystack()] * 2)[:-9].encode(), "an OpenHaystack export, but row 2 is no valid JSON"),
            (b'{"private_keys": ["', "a FindMy.py accessory, but it is no valid JSON"),
            (b"Private key: AQID\nColour: red\n", "a .keys file, but line 2"),
            (b"Private key:\n", "a .keys file, but line 1 says nothing"),
            (b"<?xml version='1.0'?><plist><array>", "a property list, but it is not whole"),
            (b"bplist00garbage", "a property list, but it is not whole"),
            (b"<html></html>", "XML or HTML"),
            (bytes([3]) + b"".join(pair.advertisement_key for pair in PAIRS[:3]), "a keyfile for firmware"),
            (PAIRS[0].advertisement_key, "a file of raw keys for firmware"),
        ],
    )  # fmt: skip
    def test_what_can_not_be_read_is_named(self, content, said):
        message = refusal(content)
        assert said in message
        assert not any(key in message for key in PRIVATE)

    def test_keys_that_can_not_be_used_are_told_by_row(self):
        devices = [
            haystack("A", "AQID", additionalKeys=PRIVATE[:1]),
            haystack("B", None),
            haystack("C", PRIVATE[1], additionalKeys=[None]),
            haystack("D", PRIVATE[2], additionalKeys=[PRIVATE[3]] * 50),
        ]
        found = problems(devices)
        assert found[:5] == [
            [("private_key", "invalid_private_key")],
            [],
            [("private_key", "missing")],
            [("private_key", "missing")],
            [("private_key", "missing")],
        ]
        assert found[5:] == [[("key_index", "too_many_keys")]] * 51

    def test_hash_alone_tells_no_mac(self):
        content = f"Hashed adv key: {PAIRS[0].hashed_key}\n".encode()
        assert problems(content) == [[("mac", "missing")]]

    def test_public_key_of_another_pair(self):
        content = keys_file(PAIRS[0]).replace(
            *(base64.b64encode(pair.advertisement_key) for pair in PAIRS[:2])
        )
        assert problems(content) == [[("key", "keys_differ")]]


def test_no_private_key_is_told_by_a_row_or_its_repr():
    for content in (json.dumps([haystack(additionalKeys=PRIVATE[1:])]).encode(), keys_file(*PAIRS)):
        for row in parse(content):
            assert not any(key in repr(row) for key in PRIVATE)
            assert not any(repr(pair.private_key) in repr(row) for pair in PAIRS)


MEMBERS = st.sampled_from(
    [
        "name",
        "privateKey",
        "additionalKeys",
        "type",
        "private_keys",
        "private_key",
        "keys",
        "deviceId",
        "master_key",
        "mac",
    ]
)
TEXTS = st.text() | st.sampled_from([*PRIVATE, "accessory", "keypair"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(MEMBERS, inner, max_size=3),
    max_leaves=6,
)


def refusal_or_rows(content):
    try:
        return "", list(parse(content))
    except UnreadableFileError as error:
        return error.message, []


@law(300)
@given(st.dictionaries(MEMBERS, VALUES) | st.lists(st.dictionaries(MEMBERS, VALUES), max_size=3))
def test_any_accessory_is_read_or_refused(value):
    for content in (json.dumps(value).encode(), as_property_list(value)):
        message, rows = refusal_or_rows(content)
        assert message or rows
        assert not any(key in message for key in PRIVATE)
        assert all(isinstance(row.serial, str) for row in rows)


def as_property_list(value):
    try:
        return plistlib.dumps(value, fmt=plistlib.FMT_BINARY)
    except (TypeError, OverflowError, UnicodeEncodeError):
        return b"bplist00"


@law(300)
@given(
    st.binary(max_size=300),
    st.sampled_from([b"bplist00", b"<?xml ?><plist>", b"Private key:", b"[{", b"\x01"]),
)
def test_any_bytes_after_a_beginning_are_read_or_refused(content, head):
    message, rows = refusal_or_rows(head + content)
    assert rows or message.endswith(".")


def test_member_that_is_there_twice_is_named():
    text = json.dumps(haystack())
    with pytest.raises(UnreadableFileError, match="names “name” twice: export it again"):
        list(parse(f'{{"name": "car", {text[1:]}'.encode(), "device.json"))
    with pytest.raises(UnreadableFileError, match="names “name” twice"):
        list(parse(f'[{{"name": "car", {text[1:]}]'.encode(), "devices.json"))
