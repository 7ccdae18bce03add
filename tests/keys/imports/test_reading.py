"""Files of devices as they really come: from spreadsheets, scripts, and by mistake."""

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foundation.tables import UnreadableFileError
from keys.imports import reading
from keys.imports.rows import parse
from tests.laws import law

MAC = "E2:7B:7C:0B:3A:2F"
OTHER = "C8:40:5B:A1:5F:F8"
KEY = "Ynt8Czovt6R4rFZw6ZcxlKX9oLwHkbB1Bqc93Q=="
PRIVATE_KEY = "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHA=="


def records(content):
    return list(reading.read(content if isinstance(content, bytes) else content.encode()))


def refusal(content):
    with pytest.raises(UnreadableFileError) as raised:
        records(content)
    return raised.value.message


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("bom", ["", "\ufeff"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_csv_is_read_whatever_separates_its_cells(delimiter, bom, newline):
    rows = [["MAC", "Serial number", "Key"], [MAC, "A1", KEY]]
    text = bom + newline.join(delimiter.join(f'"{cell}"' for cell in row) for row in rows) + newline
    (record,) = records(text)
    assert record == (2, {"mac": MAC, "serial": "A1", "key": KEY}, True)


@pytest.mark.parametrize(
    ("key_indexes", "serials", "macs", "devices"),
    [
        (["0", "1", "2"], ["A", "A", "A"], [MAC, MAC, MAC], [2, 2, 2]),
        (["0", "1", "0", "1"], ["A", "B", "B", "A"], [MAC, OTHER, OTHER, MAC], [2, 3, 3, 2]),
        # As our exports have them: each key with its own MAC.
        (["0", "1"], ["A", "A"], [MAC, OTHER], [2, 2]),
        (["0", "1"], ["", ""], [MAC, MAC], [2, 2]),
        (["0", "1"], ["", ""], [MAC, OTHER], [2, 3]),
        (["0", "1", "2"], ["A", "", "A"], [MAC, MAC, MAC], [2, 2, 2]),
        (["0", "1", "2"], ["", "A", ""], [MAC, MAC, MAC], [2, 2, 2]),
        (["0", "1"], ["A", "B"], [MAC, MAC], [2, 3]),
        # Rows that don't number their keys are devices of their own, and judged by what they say.
        (["", ""], ["A", "A"], [MAC, MAC], [2, 3]),
        # A key that can't be used is still one of its device, which is imported with all of them or not at all.
        (["0", "x"], ["A", "A"], [MAC, MAC], [2, 2]),
        (["0", "1"], ["A", "A"], [MAC, "bad"], [2, 2]),
        (["0", "1"], ["", "=1"], [MAC, MAC], [2, 2]),
    ],
)
def test_rows_that_number_their_keys_are_keys_of_one_device(key_indexes, serials, macs, devices):
    cells = zip(macs, serials, key_indexes, strict=True)
    lines = [f"{mac},{serial},{KEY},{index}" for mac, serial, index in cells]
    found = list(parse("\n".join(["mac,serial,key,key_index", *lines]).encode()))
    assert [row.device for row in found] == devices
    assert [row.number for row in found] == list(range(2, len(lines) + 2))


def test_rows_are_numbered_as_a_spreadsheet_does():
    text = f'mac,serial,key\n\n{MAC},"two\nlines",{KEY}\n{MAC},B,{KEY}\n'
    assert [record.number for record in records(text)] == [3, 4]


def test_excels_line_that_names_the_separator_is_passed_over():
    (record,) = records(f"sep=;\nmac;key\n{MAC};{KEY}\n")
    assert (record.number, record.cells["mac"]) == (3, MAC)


@pytest.mark.parametrize("header", ["\ufeff\ufeffmac,serial,key", "mac,serial\u200b,key"])
def test_invisible_characters_before_or_in_a_header_are_no_part_of_it(header):
    (record,) = records(f"{header}\n\u200e{MAC},A1\u200b,{KEY}\u00a0\n")
    assert record.cells == {"mac": MAC, "serial": "A1", "key": KEY}


def test_json_is_read_as_an_array_of_objects():
    text = json.dumps(
        [{"MAC": MAC, "serial": None, "advertisement_key": KEY}, {"mac": MAC, "key": KEY, "serial": 12}]
    )
    first, second = records(text)
    assert first == (1, {"mac": MAC, "serial": "", "key": KEY}, True)
    assert second.cells["serial"] == "12"


@pytest.mark.parametrize("text", ["='x'", "'=1+1", "'+abc", "''=x"])
def test_marks_that_protect_a_cell_from_a_spreadsheet_are_taken_off(text):
    (record,) = records(f"mac,key,serial\n{MAC},{KEY},{text}\n")
    assert record.cells["serial"] == (text[1:] if text.startswith("'") else text)


def test_text_that_excel_was_told_to_leave_alone_is_unwrapped():
    (record,) = records(f'mac,key,serial\n{MAC},{KEY},"=""0012"""\n')
    assert record.cells["serial"] == "0012"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"\xef\xbb\xbf \n\n", "is empty"),
        ("mac,key\r\n".encode("utf-16"), "UTF-16"),
        (b"PK\x03\x04\x00\x00spreadsheet", "binary"),
        (
            b"mac,key,serial\nA,B,C\nA,B,Caf\xe9\n",
            "Row 3 is not in UTF-8: it has the byte 0xE9 (at position 28",
        ),
        ("mac,key\n", "nothing below its header"),
        ("[]", "nothing below its header"),
        (f"{MAC},{KEY}\n", "first row names no known column"),
        ("serial,key\nA,B\n", "column mac is missing"),
        ("mac,serial\nA,B\n", "column key is missing"),
        ("mac,key,firmwear\nA,B,C\n", "Unknown column “firmwear” (did you mean firmware?)"),
        ("mac,key,MAC address\nA,B,C\n", "mac is there twice"),
        ("mac,key," + ",".join("x" * 60) + "\n", "at most 50"),
        ('mac,key\nA,"B\nC,D\n', "quotation mark"),
        ("mac,key\nA," + "B" * 200_000, "can't be read"),
        ("[{", "no valid JSON"),
        ("[" * 100_000, "no valid JSON"),
        ('{"mac": "A"}', "no array"),
        ('["A"]', "Row 1 is no object"),
        ('[{"mac": "A", "key": "B"}, {"mac": "A"}]', "Row 2: The column key is missing"),
        ('[{"mac": "A", "key": "B", "colour": "red"}]', "Row 1: Unknown column “colour”"),
    ],
)
def test_file_that_can_not_be_used_is_refused_with_what_to_do(content, said):
    assert said in refusal(content)


def test_too_many_rows_are_refused(monkeypatch):
    monkeypatch.setattr(reading, "MAX_ROWS", 2)
    assert "more than 2 rows" in refusal("mac,key\n" + "A,B\n" * 3)


@pytest.mark.parametrize("content", [f"{PRIVATE_KEY},{MAC}\n", f"mac,key,{PRIVATE_KEY}\nA,B,C\n"])
def test_private_key_in_the_wrong_place_is_not_repeated(content):
    assert PRIVATE_KEY not in refusal(content)


def refused_or_read(content):
    with contextlib.suppress(UnreadableFileError):
        for row in parse(content):
            assert "\0" not in json.dumps(row.cells, ensure_ascii=False).encode().decode()


@law(300)
@given(st.binary(max_size=400))
def test_any_bytes_are_read_or_refused(content):
    refused_or_read(content)


CELLS = (
    st.sampled_from([MAC, KEY, PRIVATE_KEY, "1.23457E+11", "2026-03-10", "0001-01-01", "\0", "=1", '"', ""])
    | st.text()
)


@law(300)
@given(st.lists(st.lists(CELLS, max_size=9), max_size=5), st.sampled_from(",;\t"))
def test_any_cells_are_read_or_refused(rows, delimiter):
    header = delimiter.join(["mac", "serial", "key", "private_key", "firmware", "manufactured_at"])
    text = "\n".join([header, *(delimiter.join(row) for row in rows)])
    refused_or_read(text.encode("utf-8", "surrogatepass"))


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | CELLS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(), inner, max_size=2),
    max_leaves=5,
)


@law(300)
@given(st.lists(st.fixed_dictionaries({"mac": VALUES, "key": VALUES, "serial": VALUES, "firmware": VALUES})))
def test_any_json_is_read_or_refused(rows):
    refused_or_read(json.dumps(rows).encode())
