"""The file of rejected rows of devices."""

from collections.abc import Iterable, Iterator

from foundation.tables import Reject, rejects
from keys.imports import columns

_BRING_KEY = "Put the private key in again: it is not kept."


def write(rejected: Iterable[Reject], *, with_private_key: bool) -> Iterator[str]:
    """Yield the lines of a CSV that can be imported again: all columns that a row may have, so that each can be
    corrected. The private keys, if there were some, are left empty."""
    names = [name for name in columns.TABLE.names if with_private_key or name != columns.PRIVATE_KEY]
    return rejects.write(rejected, columns=names, note=_BRING_KEY if with_private_key else "")
