"""Work in batches: of a size, of whole groups, and in halves where a batch fails because of one of its items."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby, islice
from typing import Any, TypeVar

from django.db import DataError, IntegrityError, InternalError
from django.db.models import QuerySet

Item = TypeVar("Item")
Result = TypeVar("Result")

# What bad data can raise. A lost connection or a lock timeout is nobody's fault: it goes up to the caller, whose task
# comes again.
BLAMED_ON_DATA = (
    DataError,
    IntegrityError,
    InternalError,
    LookupError,
    ValueError,
    TypeError,
    ArithmeticError,
)


def batches(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """The items in their order, `size` at a time; the last batch may be smaller, and none is empty.

    Nothing is read ahead: an item is taken when its batch is asked for. Raises ValueError for a size below 1.
    """
    if size < 1:
        raise ValueError(f"A batch of {size} items")
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch


def batches_of_ids(rows: QuerySet[Any], *, size: int, after: int = 0) -> Iterator[list[int]]:
    """The ids of the rows in their order, those after `after`, `size` at a time, a query each.

    What comes or goes meanwhile is seen in the batches that are still to come.
    """
    while ids := list(rows.filter(pk__gt=after).order_by("pk").values_list("pk", flat=True)[:size]):
        yield ids
        after = ids[-1]


def batches_of_groups(items: Iterable[Item], *, by: Callable[[Item], Any], size: int) -> Iterator[list[Item]]:
    """The items in batches of whole groups: those that stand side by side and have the same key.

    A batch takes groups until the next one would make it larger than `size`; a group that is larger by itself is a
    batch of its own.
    """
    batch: list[Item] = []
    for _, group in groupby(items, key=by):
        members = list(group)
        if batch and len(batch) + len(members) > size:
            yield batch
            batch = []
        batch += members
    if batch:
        yield batch


def halve_until_alone(
    items: Sequence[Item],
    *,
    work: Callable[[Sequence[Item]], Result],
    alone: Callable[[Item, Exception], Result],
    blamed: tuple[type[Exception], ...],
) -> list[Result]:
    """Work on all items at once; if that fails, on each half of them, and so on until the culprit stands alone.

    work: undoes itself if it fails, by a transaction of its own. alone: takes the single item that failed, and its
    error. blamed: the errors that an item can be the cause of; any other goes up to the caller at once. Returns the
    results of both in the order of the items; a list that is empty gives none.
    """
    results: list[Result] = []
    waiting = [items] if items else []
    while waiting:
        batch = waiting.pop()
        try:
            results.append(work(batch))
        except blamed as error:
            if len(batch) == 1:
                results.append(alone(batch[0], error))
            else:
                middle = len(batch) // 2
                waiting += [batch[middle:], batch[:middle]]
    return results
