"""Gives placed orders their trackers out of the stock."""

from collections.abc import Collection, Sequence
from datetime import datetime

import structlog
from django.db import transaction

from clients.models import User
from foundation import audit, bulk
from orders import lifecycle
from orders.errors import (
    AmbiguousDevicesError,
    InvalidMacsError,
    InvalidQuantityError,
    NotInStockError,
    RunHasEndedError,
    StockTooLowError,
    UnknownDevicesError,
)
from orders.models import DeviceAllocation, Order
from orders.services import states
from trackers import naming
from trackers.models import Tracker
from trackers.naming import Name
from trackers.selectors import resolve
from trackers.services import assigning, locking

log = structlog.get_logger(__name__)

# The oldest in stock but those named. Rows that another allocation holds are skipped: nobody waits for anybody.
TAKE_OLDEST = """
SELECT id FROM trackers_tracker
WHERE state = 'IN_STOCK' AND id <> ALL (%(named_ids)b::bigint[])
ORDER BY id LIMIT %(wanted)s::integer
FOR NO KEY UPDATE SKIP LOCKED
"""
OPEN_ALLOCATIONS = """
INSERT INTO orders_deviceallocation (order_id, tracker_id, allocated_at, allocated_by_id)
SELECT %(order_id)s::bigint, tracker_id, %(now)s::timestamptz, %(actor_id)s::bigint
FROM unnest(%(tracker_ids)b::bigint[]) AS taken (tracker_id)
RETURNING id, tracker_id
"""


def allocate_devices(
    *,
    order: Order,
    now: datetime,
    quantity: int | None = None,
    macs: Collection[str] | None = None,
    start: datetime | None = None,
    all_or_nothing: bool = False,
    actor: User | None = None,
) -> list[DeviceAllocation]:
    """Give an order its trackers: those named by `macs`, in any notation or by serial, and the rest of `quantity` first
    in, first out of the stock. Without `quantity` only those named; without both, all that the order lacks.

    They are in the order's run from `start` (by default `now`) on. Where the stock has fewer than asked for, what it
    has is allocated and the order stays PLACED, unless `all_or_nothing`. Returns the new allocations by tracker id
    and moves the order to ALLOCATED once it has all.

    Raises WrongOrderStateError, RunHasEndedError, InvalidQuantityError (more than the order lacks), StockTooLowError,
    InvalidMacsError, UnknownDevicesError, AmbiguousDevicesError, NotInStockError or
    `assigning.AssignmentOverlapError`; then nothing is allocated.
    """
    named = [naming.name_of(mac) for mac in macs or ()]
    with transaction.atomic(), audit.acting(actor):
        order = states.lock_order(order, *lifecycle.ALLOCATE.comes_from)
        _require_running(order, now)
        lacking = order.quantity - order.allocations.open().count()
        wanted = _wanted(lacking, quantity, None if macs is None else len(named))
        tracker_ids = _take(named, wanted, all_or_nothing)
        allocations = _allocate(order, tracker_ids, start or now, actor, now)
        if len(tracker_ids) == lacking:
            states.move_orders([order], lifecycle.ALLOCATE.becomes, now=now, actor=actor)
    log.info(
        "devices_allocated",
        order=order.pk,
        allocated=len(allocations),
        still_lacking=lacking - len(allocations),
    )
    return allocations


def _require_running(order: Order, now: datetime) -> None:
    if order.run.end_date < now.date():
        raise RunHasEndedError(f"{order.run} ended on {order.run.end_date}: extend it, or cancel the order.")


def _wanted(lacking: int, quantity: int | None, named: int | None) -> int:
    wanted = quantity if quantity is not None else lacking if named is None else named
    if not 1 <= wanted <= lacking:
        raise InvalidQuantityError(f"The order lacks {lacking:,}, and {wanted:,} can't be allocated to it.")
    if named is not None and named > wanted:
        raise InvalidQuantityError(
            f"{named:,} MACs are listed, but only {wanted:,} devices are to be allocated."
        )
    return wanted


def _take(named: Sequence[Name], wanted: int, all_or_nothing: bool) -> list[int]:
    """Lock the trackers to be allocated; returns their ids in order. Who waits for a lock here holds no tracker yet,
    so allocations can't wait for each other in a circle."""
    named_ids = _take_named(named) if named else []
    parameters = {"named_ids": named_ids, "wanted": wanted - len(named_ids)}
    oldest = [row[0] for row in bulk.fetch_all(TAKE_OLDEST, parameters)] if parameters["wanted"] else []
    taken = sorted(named_ids + oldest)
    if not taken or (all_or_nothing and len(taken) < wanted):
        raise StockTooLowError(f"The stock has {len(taken):,} of {wanted:,}: register more devices first.")
    return taken


def _take_named(names: Sequence[Name]) -> list[int]:
    found = resolve(Tracker.objects.all(), names)
    if found.unknown:
        raise UnknownDevicesError("No tracker has the MAC or serial", found.unknown)
    if found.ambiguous:
        raise AmbiguousDevicesError("Several trackers have the MAC or serial", found.ambiguous)
    ids = set(found.ids.values())
    if len(ids) < len(names):
        raise InvalidMacsError("A device is listed twice: list each once.")
    locking.lock_trackers(ids)
    taken = Tracker.objects.filter(pk__in=ids).exclude(state=Tracker.State.IN_STOCK)
    if unavailable := list(taken.values_list("mac", flat=True)):
        raise NotInStockError("Not in stock", unavailable)
    return sorted(ids)


def _allocate(
    order: Order, tracker_ids: Sequence[int], start: datetime, actor: User | None, now: datetime
) -> list[DeviceAllocation]:
    assigning.assign(
        tracker_ids=tracker_ids, run=order.run, start=start, now=now, state=Tracker.State.ALLOCATED
    )
    rows = bulk.fetch_all(
        OPEN_ALLOCATIONS,
        {
            "order_id": order.pk,
            "tracker_ids": tracker_ids,
            "now": now,
            "actor_id": actor.pk if actor else None,
        },
    )
    return [
        DeviceAllocation(id=id_, order=order, tracker_id=tracker_id, allocated_at=now, allocated_by=actor)
        for id_, tracker_id in sorted(rows, key=lambda row: row[1])
    ]
