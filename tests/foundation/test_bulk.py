"""Rows are read by name."""

from dataclasses import dataclass
from typing import NamedTuple

import pytest
from django.db import Error

from foundation import bulk

pytestmark = pytest.mark.django_db


@dataclass(frozen=True)
class Size:
    width: int
    height: int
    unit: str = "mm"


class Named(NamedTuple):
    width: int
    height: int


@pytest.mark.parametrize("row_type", [Size, Named])
@pytest.mark.parametrize("columns", ["1 AS width, 2 AS height", "2 AS height, 1 AS width"])
def test_columns_find_their_fields_by_name(row_type, columns):
    [row] = bulk.fetch_rows(f"SELECT {columns}", {}, row_type)
    assert (type(row), row.width, row.height) == (row_type, 1, 2)


@pytest.mark.parametrize(
    "columns", ["1 AS width, 2 AS height, 'm' AS unit", "'m' AS unit, 2 AS height, 1 AS width"]
)
def test_field_with_a_default_may_come_or_not(columns):
    assert bulk.fetch_rows(f"SELECT {columns}", {}, Size) == [Size(1, 2, "m")]
    assert bulk.fetch_rows("SELECT 1 AS width, 2 AS height", {}, Size) == [Size(1, 2, "mm")]


@pytest.mark.parametrize(
    ("columns", "named"),
    [
        ("1 AS width", "height"),
        ("1 AS width, 2 AS height, 3 AS depth", "depth"),
        ("1 AS width, 2 AS high", "height, high"),
        ("1 AS width, 2 AS height, 3 AS width", "width"),
    ],
)
def test_columns_that_are_not_the_fields_are_refused(columns, named):
    with pytest.raises(TypeError, match=f"Named and the query's columns differ: {named}$"):
        bulk.fetch_rows(f"SELECT {columns}", {}, Named)


def test_columns_are_compared_also_where_there_are_no_rows():
    with pytest.raises(TypeError, match="depth"):
        bulk.fetch_rows("SELECT 1 AS width, 2 AS height, 3 AS depth WHERE false", {}, Named)
    assert bulk.fetch_rows("SELECT 1 AS width, 2 AS height WHERE false", {}, Named) == []


def test_arrays_travel_in_and_values_out():
    query = "SELECT number FROM unnest(%(numbers)b::bigint[]) AS number"
    assert bulk.fetch_values(query, {"numbers": [3, 5]}) == [3, 5]


@pytest.mark.parametrize("prepare", [None, False])
def test_errors_are_djangos(prepare):
    with pytest.raises(Error, match="division by zero"):
        bulk.fetch_rows("SELECT 1 / 0 AS width, 2 AS height", {}, Named, prepare=prepare)


@pytest.mark.parametrize("columns", ["SELECT key, width, height", "SELECT key, height, width"])
def test_groups_go_by_the_first_column_and_read_the_others_by_name(columns):
    rows = "FROM (VALUES (7, 1, 2), (8, 3, 4), (7, 5, 6)) AS row (key, width, height)"
    groups = bulk.fetch_groups(f"{columns} {rows}", {}, Named)
    assert groups == {7: [Named(1, 2), Named(5, 6)], 8: [Named(3, 4)]}
    assert groups[9] == []
    with pytest.raises(TypeError, match="depth"):
        bulk.fetch_groups("SELECT 7 AS key, 1 AS width, 2 AS height, 3 AS depth WHERE false", {}, Named)
