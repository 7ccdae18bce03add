"""Where something stands in a JSON text that no decoder takes."""

import pytest

from foundation.json_paths import path_at, path_of_depth, path_of_number_that_is_none

TEXT = '{"runs": [{"name": "a:[{"}], "locations": [{}, {"area": {"coordinates": [[1, 2], [3, NaN]]}}]}'


@pytest.mark.parametrize(
    ("mark", "path"),
    [
        ('"a:', "runs[0].name"),
        ("3", "locations[1].area.coordinates[1][0]"),
        ("NaN", "locations[1].area.coordinates[1][1]"),
        ('"runs"', ""),
    ],
)
def test_path_of_a_character(mark: str, path: str) -> None:
    assert path_at(TEXT, TEXT.index(mark)) == path


def test_path_of_the_end_is_what_was_open() -> None:
    assert path_at('{"a": [1, {"b": "x', 100) == "a[1].b"
    assert path_at("[1, 2", 100) == "[1]"
    assert path_at("]]}}", 100) == ""


def test_path_of_what_is_nested_too_deeply() -> None:
    assert path_of_depth('{"a": [1, ' + "[" * 100_000, 3) == "a[1][0][0]"
    assert path_of_depth('{"a": ' + "[" * 100_000, 64) == "a[0][0][0][0][0][0][0]…"
    assert path_of_depth(TEXT, 20) == ""


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e400", "-1E999", "9" * 5_000])
def test_path_of_a_number_that_is_none(number: str) -> None:
    assert path_of_number_that_is_none(f'{{"a": "NaN", "b": [1e300, {number}]}}') == "b[1]"
    assert path_of_number_that_is_none('{"a": ["1e400", -5, 1.5, true, "' + "9" * 5_000 + '"]}') == ""
