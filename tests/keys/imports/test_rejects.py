import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foundation.tables import Reject, UnreadableFileError
from foundation.tables.cells import clean
from keys.imports import reading, rejects

MAC = "E2:7B:7C:0B:3A:2F"
DANGEROUS = ("=1+1", "+abc", "-1", "@SUM(A1)", "'=x", "'quoted'")


def cleaned(text):
    return clean(text, reading.MAX_CELL_CHARACTERS)


def written(*given_rejects, with_private_key=False):
    return "".join(rejects.write(given_rejects, with_private_key=with_private_key))


def test_file_says_what_is_wrong_and_in_which_row():
    text = written(Reject(7, {"mac": MAC, "key": "x"}, ["The key is bad.", "So is the serial."]))
    (row,) = csv.DictReader(io.StringIO(text.removeprefix("\ufeff")))
    assert (row["row"], row["mac"], row["problems"]) == ("7", MAC, "The key is bad. So is the serial.")
    assert "private_key" not in row


def test_private_keys_have_to_be_put_in_again():
    text = written(Reject(7, {"mac": MAC}, ["Bad."]), with_private_key=True)
    (row,) = csv.DictReader(io.StringIO(text.removeprefix("\ufeff")))
    assert row["private_key"] == ""
    assert row["problems"].startswith("Put the private key in again")


@pytest.mark.parametrize("text", DANGEROUS)
def test_no_cell_is_a_formula_and_the_import_reads_it_back(text):
    content = written(Reject(2, {"mac": MAC, "key": text, "serial": text}, [text]))
    for line in csv.reader(io.StringIO(content.removeprefix("\ufeff"))):
        assert not any(cell.startswith(("=", "+", "-", "@")) for cell in line)
    (record,) = reading.read(content.encode())
    assert (record.cells["key"], record.cells["serial"]) == (text, text)


@given(
    st.dictionaries(
        st.sampled_from(["mac", "serial", "firmware"]),
        st.text(max_size=50).map(lambda text: clean(text, reading.MAX_CELL_CHARACTERS)),
    )
)
def test_any_cells_are_read_back(cells):
    content = written(Reject(2, cells, []))
    try:
        (record,) = reading.read(content.encode())
    except UnreadableFileError:
        pytest.fail("a rejects file is always readable")
    assert {name: text for name, text in record.cells.items() if text} == {
        n: t for n, t in cells.items() if t
    }
