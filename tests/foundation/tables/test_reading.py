"""Table files of a caller who knows nothing of devices: shops with their opening hours."""

import io
import json
import tracemalloc
from itertools import chain, repeat

import pytest

from foundation import tables
from foundation.tables import (
    BadCellError,
    Column,
    Limits,
    Problem,
    Table,
    UnreadableFileError,
    delimited,
    rejects,
)
from foundation.tables.cells import clean, text


def whole_number(value):
    if not value.isdecimal():
        raise BadCellError("invalid_number", "Write digits.")
    return int(value)


def require(found):
    if "name" not in found:
        raise UnreadableFileError("The column name is missing.")


SHOPS = Table(
    item="shop",
    example=("name", "doors"),
    require=require,
    ignored=frozenset({"note"}),
    columns=(
        Column("name", ("shop", "shop_name"), lambda value: text(value, what="name", longest=20)),
        Column("doors", (), whole_number, otherwise=None),
        Column("source", listed=False),
    ),
)
LIMITS = Limits(bytes=2**20, rows=1_000)


class Pipe(io.RawIOBase):
    """A source that can't be sought, gives a few bytes at a time, and counts them."""

    def __init__(self, blocks, most=1_000_000):
        self.blocks, self.given, self.most, self.rest = iter(blocks), 0, most, b""

    def read(self, size=-1):
        self.rest = self.rest or next(self.blocks, b"")
        length = min(size, self.most)
        block, self.rest = self.rest[:length], self.rest[length:]
        self.given += len(block)
        return block


def read(content, limits=LIMITS):
    source = content if hasattr(content, "read") else io.BytesIO(content)
    return list(tables.read(source, SHOPS, limits))


def cells(content):
    return [record.cells for record in read(content)]


def refusal(content, limits=LIMITS):
    with pytest.raises(UnreadableFileError) as raised:
        read(content, limits)
    return raised.value.message


@pytest.mark.parametrize("most", [1, 3, 1_000])
@pytest.mark.parametrize(
    "content",
    ["name,doors\r\nCafé,2\r\n", "name;doors\rCafé;2", '[{"name": "Café",\n "doors": 2}]', "\ufeff\ufeffname\tdoors\nCafé\t2"],  # noqa: E501
)  # fmt: skip
def test_source_may_give_any_number_of_bytes_at_a_time(content, most):
    assert cells(Pipe([content.encode()], most)) == [{"name": "Café", "doors": "2"}]


@pytest.mark.parametrize(
    "header", ["\u200bname,doors", "na\u200dme,\u2060doors\ufeff", "\ufeff\ufeffName , DOORS"]
)
def test_characters_that_nobody_sees_do_not_hide_a_header(header):
    assert cells(f"{header}\nA,1\n".encode()) == [{"name": "A", "doors": "1"}]


@pytest.mark.parametrize(
    "header", ["\u201cname\u201d,'doors'", "name,do\u00adors", "\u3164name,doors\ufe0f", "\u200b\nname,doors"]
)
def test_quotation_marks_and_hyphens_of_word_processors_do_not_hide_a_header(header):
    assert cells(f"{header}\nA,1\n".encode()) == [{"name": "A", "doors": "1"}]


def test_json_after_characters_that_nobody_sees_is_json():
    assert cells('\u200b\ufeff[{"name": "A\u200b\u00a0B"}]'.encode()) == [{"name": "A B"}]


@pytest.mark.parametrize("first", ["sep=;", '"sep=;"', "\u200bSEP=;"])
def test_line_that_names_the_separator_is_read_however_it_is_quoted(first):
    assert cells(f"{first}\nname;doors\nA, B and C;1\n".encode()) == [{"name": "A, B and C", "doors": "1"}]


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("1.5", "a number with a fraction"),
        ("1e3", "a number with"),
        ("true", "true or false"),
        ("[1]", "a list"),
        ('{"a": 1}', "an object"),
    ],
)
def test_value_of_json_that_is_no_text_is_told_and_not_guessed(value, kind):
    (record,) = read(f'[{{"name": {value}}}]'.encode())
    values, (problem,) = SHOPS.read_cells(record.cells, ["name"])
    assert (values, problem.code) == ({"name": ""}, "not_text")
    assert f"The name is {kind}" in problem.message


def test_whole_number_and_null_of_json_are_the_cells_that_they_would_be_in_a_csv():
    assert cells(b'[{"name": 12, "doors": null}]') == [{"name": "12", "doors": ""}]


@pytest.mark.parametrize("cell", ["\u200eA", "A\u200b", "\u00a0A\ufeff ", '="\u200bA"'])
def test_characters_that_nobody_sees_around_a_cell_are_no_part_of_it(cell):
    assert clean(cell, 500) == "A"
    assert clean(clean(cell, 500), 500) == "A"


def test_delimiter_is_the_one_that_tells_columns_apart_and_not_the_most_frequent_one():
    (record,) = read(b"name;doors;note\nA;1;one, two, three, four, five\n")
    assert record.cells == {"name": "A", "doors": "1"}


def test_ignored_and_rejects_columns_are_passed_over():
    assert cells(b"row,name,note,problems\n7,A,x,bad\n") == [{"name": "A"}]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "empty: it needs a header row such as name,doors and a row for each shop"),
        (b" " * 2**21, "empty: it needs"),
        (b"\xd0\xcf\x11\xe0", "workbook"),
        (b"PK\x03\x04", "workbook"),
        ("name\nA".encode("utf-16"), "UTF-16"),
        (b"name,colour\nA,B\n", "Unknown column “colour”: rename or delete it. Columns are name, doors."),
        (b"nane,doors\nA,B\n", "Unknown column “nane” (did you mean name?)"),
        (b"doors\n1\n", "The column name is missing"),
        (b"name,shop\nA,B\n", "The column name is there twice"),
        (b"name\n" + b"A\n" * 1_001, "more than 1,000 rows"),
        (b"name\n", "The file has no shops"),
        (b"name\n" + "é".encode()[:1], "Row 2 is not in UTF-8"),
        (b"name\n" + b"A" * 2_000_000, "larger than 1 MB"),
        (b'["A"]', 'Row 1 is no object: write each as {"name": "…", "doors": "…"}'),
        (b'[{"name": "A"} {"name": "B"}]', "row 1 is followed neither by a comma"),
        (b'[{"name": "A"},]', "Row 2 is no valid JSON"),
        (b'[{"name": "A"}', "row 1 is followed neither"),
        (b'[{"name": "A"}] x', "after the end of the array"),
        (b'[{"name": NaN}]', "NaN is no number"),
    ],
)
def test_file_that_can_not_be_used_says_what_to_do(content, said):
    assert said in refusal(content)


@pytest.mark.parametrize("position", [65_535, 65_536, 65_537, 131_071, 131_072, 200_000])
def test_wrong_byte_is_named_with_its_place_in_whatever_block_it_is(position):
    content = "name\né".encode() + b"\n" * (position - 7) + b"\xe9\n"
    message = refusal(content)
    assert (
        f"Row {position - 5} is not in UTF-8: it has the byte 0xE9 (at position {position} of the file)"
        in message
    )


def test_wrong_byte_after_a_mark_is_named_by_its_place_in_the_file():
    assert "at position 8 of the file" in refusal(b"\xef\xbb\xbfname\n\xe9")


def test_numbers_of_json_stay_as_they_are_written():
    assert cells(
        b'[{"name": 1.50E+11, "doors": 12345678901234567890123}, {"name": true, "doors": null}]'
    ) == [
        {"name": "1.50E+11", "doors": "12345678901234567890123"},
        {"name": "true", "doors": ""},
    ]


@pytest.mark.parametrize("size", [10, 70_000, 200_000])
def test_objects_longer_than_a_block_are_read(size):
    rows = [{"name": "x" * size, "doors": "1"}, {"name": "B", "doors": "2"}]
    assert [len(each["name"]) for each in cells(json.dumps(rows).encode())] == [min(size, 501), 1]


LARGE = Limits(bytes=2**30, rows=10**9)


@pytest.mark.parametrize(
    ("first", "block"),
    [(b"name,doors\n", b"A,1\n" * 16_000), (b'[{"name": "A"}', b',{"name": "A"}' * 4_000)],
)  # fmt: skip
def test_memory_does_not_grow_with_the_file(first, block):
    number = 300 if first.startswith(b"n") else 60
    records = tables.read(Pipe(chain([first], repeat(block, number))), SHOPS, LARGE)
    for _ in range(1_000):
        next(records)
    tracemalloc.start()
    try:
        for _ in range(30_000):
            next(records)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 4 * 2**20


@pytest.mark.parametrize("first", [b"name\n", b"[", b'name\n"', b"name\nA" + b"x" * 2**20])
def test_endless_row_is_refused_before_it_fills_the_memory(first):
    source = Pipe(chain([first], repeat(b"x" * 65_536)))
    refusal(source, LARGE)
    assert source.given < 4 * 2**20


def test_source_larger_than_the_limit_is_not_read_to_its_end():
    source = Pipe(repeat(b"name,doors\nA,1\n" * 4_000))
    assert "larger than 1 MB" in refusal(source, Limits(bytes=2**20, rows=10**9))
    assert source.given < 2**20 + 2**18


def test_cells_are_read_by_the_readers_of_their_columns():
    assert SHOPS.read_cells({"name": "A", "doors": "2"}, ["doors", "name"]) == ({"doors": 2, "name": "A"}, [])
    values, problems = SHOPS.read_cells({"name": "=A", "doors": "two"}, ["name", "doors"])
    assert values == {"name": "", "doors": None}
    assert [problem[:2] for problem in problems] == [("name", "formula"), ("doors", "invalid_number")]
    assert problems[1] == Problem("doors", "invalid_number", "Write digits.")


def test_secrets_are_not_repeated():
    table = Table(
        item="shop",
        example=("name",),
        require=require,
        columns=SHOPS.columns,
        conceal=lambda text: "secret" in text,
    )
    with pytest.raises(UnreadableFileError) as raised:
        list(tables.read(io.BytesIO(b"name,secret word\nA,B\n"), table, LIMITS))
    assert "secret word" not in raised.value.message
    assert "a text of 11 characters" in raised.value.message


def test_rejects_are_read_back():
    rejected = [tables.Reject(7, {"name": "=1", "doors": "x"}, ["Bad.", "Worse."])]
    content = "".join(rejects.write(rejected, columns=SHOPS.names, note="Look."))
    assert content.splitlines()[1].endswith(",7,Look. Bad. Worse.")
    (record,) = read(content.encode())
    assert record == (2, {"name": "=1", "doors": "x"}, True)


def test_rows_without_a_header_keep_their_places():
    rows = delimited.rows(io.StringIO("a,b\n\n c ,\n"), known=lambda cells: 0, max_cell_characters=10)
    assert [(row.number, row.cells) for row in rows] == [(1, ["a", "b"]), (3, ["c", ""])]


def passed_over(content):
    reading = tables.read(io.BytesIO(content), SHOPS, LIMITS)
    records = list(reading)
    return len(records), str(reading.passed_over)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"name,doors\nA,1\n", (1, "")),
        (b"name,doors\n\nA,1\n,\n \t, \nB,1\n\n", (2, "4 empty rows")),
        (b"\n\nname,doors\nA,1\n", (1, "2 empty rows")),
        (b"Note,name\nx,A\n,\n", (1, "1 empty row and the column note")),
        (b"row,name,problems\n1,A,x\n", (1, "the columns row, problems")),
        (b'[{"name": "A"}, {}, {"name": null, "doors": " "}]', (1, "2 empty rows")),
        (b'[{"name": "A", "note": 1}, {"note": 2, "name": "B"}]', (2, "the column note")),
    ],
)
def test_what_is_passed_over_is_counted_and_named(content, said):
    assert passed_over(content) == said


@pytest.mark.parametrize(
    ("content", "whole"),
    [
        (b"name,doors\nA,1,\n", True),
        (b"name,doors\nA,1,x\n", False),
        (b"name,doors,\nA,1,\n", True),
        (b"name,doors,\nA,1,x\n", False),
        (b"name,,doors,\nA,x,1,\n", False),
        (b"name,doors,note\nA,1,x\n", True),
        (b"name,doors\nA\n", False),
        (b'[{"name": "A", "": ""}]', True),
        (b'[{"name": "A", "": "x"}]', False),
        (b'[{"name": "A", "doors": [1]}]', False),
    ],
)
def test_cell_without_a_column_is_not_lost(content, whole):
    assert [record.whole for record in read(content)] == [whole]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b'[{"name": "A", "name": "B"}]', "Row 1 names “name” twice"),
        (b'[{"name": "A"}, {"name": "B", "doors": {"a": 1, "a": 1}}]', "Row 2 names “doors.a” twice"),
        (b'[{"name": "A", "n\\u0061me": "A"}]', "Row 1 names “name” twice"),
        (b'[{"name": "A", "Name": "B"}]', "The column name is there twice"),
        (b'[{"name": ' + b"[" * 100_000 + b"]" * 100_000 + b"}]", "nested too deeply"),
        (b'[{"name": "A"}, {"name": "B", "colour": "red"}]', "Row 2: Unknown column “colour”"),
    ],
)
def test_repeated_or_unknown_member_is_refused(content, said):
    assert said in refusal(content)
