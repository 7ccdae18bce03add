"""Table files as people and programs send them: CSV and JSON, from bytes to rows with their problems, and to rejects.

Pure: no database, no clock, no Django. A file is read a little at a time, so memory stays small whatever its size is.

`decoding` makes text of bytes, `delimited` and `json_arrays` split it, `table` says which columns there are, `reading`
gives the rows by column, `cells` types single cells, and `rejects` writes what has to be corrected. The caller declares
columns, their other names, and how each cell is read.
"""

from foundation.tables.cells import BadCellError
from foundation.tables.problems import Problem, UnreadableFileError
from foundation.tables.reading import Limits, Record, read
from foundation.tables.rejects import Reject
from foundation.tables.table import Column, Table

__all__ = [
    "BadCellError",
    "Column",
    "Limits",
    "Problem",
    "Record",
    "Reject",
    "Table",
    "UnreadableFileError",
    "read",
]
