"""Table files as people and programs send them: CSV and JSON, from bytes to rows with their problems, and to rejects.

Pure: no database, no clock, no Django. A file is read a little at a time, so memory stays small whatever its size is.
Nothing is ignored: an unknown or repeated column or member refuses the file, a cell without a column its row, and
`Reading.passed_over` counts empty rows and names the columns that the table passes over.

`decoding` makes text of bytes, `delimited` and `json_arrays` split it, `table` says which columns there are, `reading`
gives the rows by column, `cells` types single cells, and `rejects` writes what has to be corrected. The caller declares
columns, their other names, and how each cell is read.
"""

from foundation.tables.cells import BadCellError
from foundation.tables.problems import Problem, UnreadableFileError
from foundation.tables.reading import Limits, PassedOver, Reading, Record, read
from foundation.tables.rejects import Reject
from foundation.tables.table import Column, Table

__all__ = [
    "BadCellError",
    "Column",
    "Limits",
    "PassedOver",
    "Problem",
    "Reading",
    "Record",
    "Reject",
    "Table",
    "UnreadableFileError",
    "read",
]
