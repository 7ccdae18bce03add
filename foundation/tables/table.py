"""Which columns a file may have, what else people call them, and how their cells are read."""

import difflib
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from foundation.tables.cells import BadCellError, plain, refuse_other_types
from foundation.tables.problems import Conceal, Problem, UnreadableFileError, nothing_secret, quoted

MAX_COLUMNS = 50
# Columns of a file of rejects, which may come back with its rows.
ROW = "row"
PROBLEMS = "problems"


@dataclass(frozen=True, slots=True)
class Column:
    """`read` types a cell, or raises BadCellError; without it the caller reads the cell itself. `otherwise` is the
    value of a cell that is refused. A column that is not `listed` is read, and not named where columns are listed."""

    name: str
    aliases: tuple[str, ...] = ()
    read: Callable[[str], Any] | None = None
    otherwise: Any = ""
    listed: bool = True


@dataclass(frozen=True)
class Table:
    """A kind of file.

    item: what a row is about, for messages: “device”. example: the columns of a header as an example. require: raises
    UnreadableFileError if these columns don't suffice. ignored: columns that are passed over. conceal: what no message
    repeats.
    """

    columns: tuple[Column, ...]
    item: str
    example: tuple[str, ...]
    require: Callable[[Collection[str]], None]
    ignored: frozenset[str] = frozenset()
    conceal: Conceal = nothing_secret

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Of the columns that people are told of."""
        return tuple(column.name for column in self.columns if column.listed)

    @property
    def example_header(self) -> str:
        return ",".join(self.example)

    @property
    def example_object(self) -> str:
        return "{" + ", ".join(f'"{name}": "…"' for name in self.example) + "}"

    def canonical(self, header: str) -> str | None:
        """The column that a header names: None for one to pass over; the normalised header where it is unknown."""
        normalised = normalise(header)
        if normalised in self._ignored:
            return None
        return self._aliases.get(normalised, normalised)

    def known(self, headers: Sequence[str]) -> int:
        """How many of these headers are columns."""
        return sum(self.canonical(header) in self.names for header in headers)

    def resolve(self, headers: Sequence[str]) -> list[str | None]:
        """The column of each header: None for one to pass over, empty where the header is.

        Raises UnreadableFileError for a header that is not one, unknown or repeated columns, and missing ones.
        """
        if len(headers) > MAX_COLUMNS:
            raise UnreadableFileError(
                f"The file has {len(headers)} columns; at most {MAX_COLUMNS} can be read."
            )
        if not self.known(headers):
            raise UnreadableFileError(
                "The first row names no known column: it must be a header such as"
                f" {self.example_header}. {self._listed}"
            )
        found: list[str | None] = []
        for header in headers:
            column = self.canonical(header) if normalise(header) else ""
            if column and column not in self._by_name:
                raise UnreadableFileError(
                    f"Unknown column {quoted(header, self.conceal)}{self._hint(column)}: rename or delete it."
                    f" {self._listed}"
                )
            if column and column in found:
                raise UnreadableFileError(f"The column {column} is there twice: delete one of them.")
            found.append(column)
        self.require([column for column in found if column])
        return found

    def read_cells(
        self, cells: Mapping[str, str], names: Sequence[str]
    ) -> tuple[dict[str, Any], list[Problem]]:
        """The values of these columns, read in this order, and what is wrong with them; a missing cell is an empty
        one."""
        values, problems = {}, []
        for name in names:
            column = self._by_name[name]
            if column.read is None:
                raise ValueError(f"The column {name} has no reader.")
            cell = cells.get(name, "")
            try:
                refuse_other_types(cell, what=name)
                values[name] = column.read(cell)
            except BadCellError as error:
                values[name] = column.otherwise
                problems.append(Problem(name, error.code, error.message))
        return values, problems

    @cached_property
    def _by_name(self) -> dict[str, Column]:
        return {column.name: column for column in self.columns}

    @cached_property
    def _aliases(self) -> dict[str, str]:
        return {alias: column.name for column in self.columns for alias in column.aliases}

    @cached_property
    def _ignored(self) -> frozenset[str]:
        return self.ignored | {ROW, PROBLEMS}

    @property
    def _listed(self) -> str:
        return f"Columns are {', '.join(self.names)}."

    def _hint(self, column: str) -> str:
        close = difflib.get_close_matches(column[:100], [*self.names, *self._aliases], n=1)
        return f" (did you mean {self._aliases.get(close[0], close[0])}?)" if close else ""


def normalise(header: str) -> str:
    """A header as columns are declared: `Serial number` is `serial_number`. Empty where there is nothing to see."""
    return re.sub(r"[\s\-./()]+", "_", plain(header).lower()).strip("_")
