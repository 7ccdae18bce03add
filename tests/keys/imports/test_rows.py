"""Typed rows: what is understood, what is refused and why, and that no private key is told."""

import base64
from datetime import UTC, datetime

import pytest

from keys.imports.rows import parse

MAC = "E2:7B:7C:0B:3A:2F"
KEY = "Ynt8Czovt6R4rFZw6ZcxlKX9oLwHkbB1Bqc93Q=="
HASHED = "/vOKuaTt4YQhx94Ge/rHR9KDiKnuhcZ7CrxlJFsRUzg="
PRIVATE_KEY = "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHA=="
OTHER_KEY = "6qo5suoEETuel0Jr/bSIS7rnh+Nyew1GO/D0GQ=="


def parsed(**cells):
    cells = {"mac": MAC, "key": KEY} | cells
    lines = [",".join(cells), ",".join('"' + value.replace('"', '""') + '"' for value in cells.values())]
    (row,) = parse("\n".join(lines).encode())
    return row


def codes(row):
    return [(problem.column, problem.code) for problem in row.problems]


@pytest.mark.parametrize(
    "mac", ["e27b7c0b3a2f", "E2-7B-7C-0B-3A-2F", "e27b.7c0b.3a2f", " E2 7B 7C 0B 3A 2F "]
)
def test_mac_is_read_in_any_notation(mac):
    assert parsed(mac=mac).mac == MAC


@pytest.mark.parametrize(
    "key",
    [KEY, KEY.rstrip("="), base64.b64decode(KEY).hex(), base64.b64decode(KEY).hex().upper(), HASHED, HASHED.rstrip("="),
     HASHED.replace("/", "_"), base64.b64decode(HASHED).hex()],
)  # fmt: skip
def test_key_is_read_as_key_or_hash_in_base64_or_hex(key):
    row = parsed(key=key)
    assert not row.problems
    assert row.hashed_key == HASHED
    assert row.key_mac in (MAC, "")


def test_optional_columns_are_read():
    row = parsed(
        serial="S1", firmware="1.2.3", hardware_revision="B", manufactured_at="2026-03-10T08:00:00+01:00"
    )
    assert not row.problems
    assert (row.serial, row.firmware, row.hardware_revision) == ("S1", "1.2.3", "B")
    assert row.manufactured_at == datetime(2026, 3, 10, 7, tzinfo=UTC)
    assert parsed(manufactured_at="2026-03-10").manufactured_at == datetime(2026, 3, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("cells", "problem"),
    [
        ({"mac": ""}, ("mac", "missing")),
        ({"mac": "1.23457E+11"}, ("mac", "mangled_by_spreadsheet")),
        ({"mac": "1,23457E+11"}, ("mac", "mangled_by_spreadsheet")),
        ({"mac": "12345678901"}, ("mac", "mangled_by_spreadsheet")),
        ({"mac": "12/11/2010"}, ("mac", "mangled_by_spreadsheet")),
        ({"mac": "10-Nov-2012"}, ("mac", "mangled_by_spreadsheet")),
        ({"mac": "#NAME?"}, ("mac", "mangled_by_spreadsheet")),
        ({"mac": "E2:7B:7C:0B:3A"}, ("mac", "invalid_mac")),
        ({"mac": "E2:7B-7C:0B:3A:2F"}, ("mac", "invalid_mac")),
        ({"key": ""}, ("key", "missing")),
        ({"key": "1.0E+40"}, ("key", "mangled_by_spreadsheet")),
        ({"key": "#NAME?"}, ("key", "mangled_by_spreadsheet")),
        ({"key": "Ynt8"}, ("key", "invalid_key")),
        ({"key": "not a key!"}, ("key", "invalid_key")),
        ({"hashed_key": base64.b64encode(bytes(32)).decode()}, ("key", "keys_differ")),
        ({"serial": "=cmd|' /C calc'!A0"}, ("serial", "formula")),
        ({"serial": "@SUM(1)"}, ("serial", "formula")),
        ({"serial": "1.2E+05"}, ("serial", "mangled_by_spreadsheet")),
        ({"serial": "two\nlines"}, ("serial", "control_character")),
        ({"serial": "x" * 65}, ("serial", "too_long")),
        ({"firmware": "x" * 33}, ("firmware", "too_long")),
        ({"firmware": "x" * 501}, ("firmware", "too_long")),
        ({"manufactured_at": "10/03/2026"}, ("manufactured_at", "invalid_date")),
        ({"manufactured_at": "46091"}, ("manufactured_at", "invalid_date")),
        ({"manufactured_at": "1970-01-01"}, ("manufactured_at", "invalid_date")),
        ({"private_key": "AQID"}, ("private_key", "invalid_private_key")),
        ({"private_key": base64.b64encode(b"\xff" * 28).decode()}, ("private_key", "invalid_private_key")),
        ({"private_key": "zz"}, ("private_key", "invalid_private_key")),
    ],
)  # fmt: skip
def test_bad_cell_is_named_with_its_column(cells, problem):
    row = parsed(**cells)
    assert codes(row) == [problem]
    assert row.problems[0].message.endswith(".")


def test_all_problems_of_a_row_are_told_at_once():
    assert codes(parsed(mac="x", serial="=1", key="x")) == [
        ("serial", "formula"),
        ("mac", "invalid_mac"),
        ("key", "invalid_key"),
    ]


def test_hex_with_an_e_among_digits_is_no_number():
    assert parsed(mac="123456E78901").mac == "12:34:56:E7:89:01"


def test_private_key_brings_its_public_values():
    row = parsed(private_key=PRIVATE_KEY)
    assert not row.problems
    assert (row.private_key, row.hashed_key, row.key_mac) == (base64.b64decode(PRIVATE_KEY), HASHED, MAC)
    assert "private_key" not in row.cells


@pytest.mark.parametrize(
    "mac",
    [
        "00:00:00:00:00:00",
        "ff-ff-ff-ff-ff-ff",
        "0xFFFFFFFFFFFF",
        "0000.0000.0000",
        "\u201cFF\u2011FF\u2011FF\u2011FF\u2011FF\u2011FF\u201d",
    ],
)
def test_address_of_no_device_is_refused_in_any_notation(mac):
    assert codes(parsed(mac=mac)) == [("mac", "no_device")]


@pytest.mark.parametrize(
    "mac",
    [
        f"{MAC}\u00a0 ",
        f"\u200e{MAC}",
        f"\u201c{MAC}\u201d",
        f"'{MAC}",
        MAC.replace(":", "\u2011"),
        MAC.replace(":", "\u2212"),
        MAC.replace(":", "\uff1a"),
        MAC.replace(":", "\u00a0"),
        f"{MAC}\u200b",
        MAC.replace(":", ":\u00ad"),
        f'="{MAC}"',
        f"\ufeff\ufeff{MAC}",
    ],
)
def test_what_programs_leave_in_a_mac_is_no_part_of_it(mac):
    row = parsed(mac=mac, key=f"\u201c{KEY}\u201d\u200b", serial="A\u200b\u00a01")
    assert (row.mac, row.serial, row.problems) == (MAC, "A 1", [])


@pytest.mark.parametrize(
    "line",
    [
        f"{MAC},S1,{PRIVATE_KEY},{KEY}",  # swapped columns
        f"{PRIVATE_KEY},S1,{KEY},{MAC}",
        f"{MAC},{PRIVATE_KEY},{KEY},",
        f"{MAC},S1,more,{KEY},{PRIVATE_KEY}",  # a delimiter too many
        f"{MAC},S1,{KEY},{PRIVATE_KEY[:30]}",
        f"{MAC},S1,{KEY},{PRIVATE_KEY}{PRIVATE_KEY}",
        f"{MAC},S1,{OTHER_KEY},{PRIVATE_KEY}",
        f"{MAC},S1,{KEY},{base64.b64decode(PRIVATE_KEY).hex()}00",
        f"{PRIVATE_KEY}",
    ],
)
def test_private_key_is_told_nowhere_whatever_is_wrong(line):
    (row,) = parse(f"mac,serial,key,private_key\n{line}\n".encode())
    assert row.problems
    for secret in (PRIVATE_KEY, PRIVATE_KEY[:30], base64.b64decode(PRIVATE_KEY).hex()):
        assert secret not in repr(row)


def test_key_in_the_column_of_the_serial_is_refused_and_not_repeated():
    row = parsed(serial=PRIVATE_KEY)
    assert codes(row) == [("serial", "key_in_wrong_column")]
    assert PRIVATE_KEY not in repr(row)


@pytest.mark.parametrize("line", [f"{MAC}", f"{MAC},S1,{KEY},extra"])
def test_row_with_the_wrong_number_of_cells_is_refused(line):
    (row,) = parse(f"mac,serial,key\n{line}\n".encode())
    assert codes(row) == [("", "ragged_row")]
    assert row.cells["mac"] == MAC
