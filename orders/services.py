"""Orders from placing to shipping. Every function is one transaction."""

from collections.abc import Collection, Sequence
from datetime import date, datetime

import structlog
from django.db import transaction

from clients.errors import DomainError
from clients.models import Client, ProductionRun, User
from orders.models import DeviceAllocation, Order
from trackers.models import Tracker
from trackers.services import assigning, locking

log = structlog.get_logger(__name__)


class RunOfAnotherClient(DomainError):
    code = "run_of_another_client"


class RunHasEnded(DomainError):
    code = "run_has_ended"


class InvalidQuantity(DomainError):
    code = "invalid_quantity"


class WrongOrderState(DomainError):
    code = "wrong_order_state"


class UnknownDevices(DomainError):
    code = "unknown_devices"


class NotInStock(DomainError):
    code = "not_in_stock"


class InsufficientStock(DomainError):
    code = "insufficient_stock"


def place_order(
    *,
    client: Client,
    run: ProductionRun,
    quantity: int,
    now: datetime,
    reference: str = "",
    wanted_by: date | None = None,
    actor: User | None = None,
) -> Order:
    """Place an order of `client` for so many trackers in `run`; aware `now`.

    Raises RunOfAnotherClient, RunHasEnded (before today, in UTC) or InvalidQuantity.
    """
    if run.brand.client_id != client.pk:
        raise RunOfAnotherClient(f"{run} is not a run of {client}: order for one of its own.")
    if run.end_date < now.date():
        raise RunHasEnded(f"{run} ended on {run.end_date}: extend it or choose another run.")
    if quantity < 1:
        raise InvalidQuantity("An order is for at least one tracker.")
    order = Order.objects.create(
        client=client,
        run=run,
        quantity=quantity,
        reference=reference,
        wanted_by=wanted_by,
        state=Order.State.PLACED,
        created_at=now,
        created_by=actor,
        placed_at=now,
    )
    log.info("order_placed", order=order.pk, quantity=quantity, run=run.pk)
    return order


def allocate_devices(
    *,
    order: Order,
    now: datetime,
    quantity: int | None = None,
    macs: Collection[str] | None = None,
    start: datetime | None = None,
    all_or_nothing: bool = False,
) -> list[DeviceAllocation]:
    """Give an order its trackers: those named by `macs`, or else `quantity` (by default all that it lacks), first in,
    first out of the stock.

    They are in the order's run from `start` (by default `now`) on. Where the stock has fewer than asked for, what it
    has is allocated and the order stays PLACED, unless `all_or_nothing`. Returns the new allocations by tracker id
    and moves the order to ALLOCATED once it has all. MACs are taken in any case, with colons.

    Raises WrongOrderState, InvalidQuantity (more than the order lacks), InsufficientStock, UnknownDevices, NotInStock
    or `assigning.AssignmentOverlap`; then nothing is allocated.
    """
    with transaction.atomic():
        order = _lock_order(order, Order.State.PLACED)
        lacking = order.quantity - order.allocations.open().count()
        wanted = _wanted(lacking, quantity, macs)
        tracker_ids = _take_by_mac(macs) if macs is not None else _take_oldest(wanted, all_or_nothing)
        allocations = DeviceAllocation.objects.bulk_create(
            DeviceAllocation(order=order, tracker_id=tracker_id, allocated_at=now)
            for tracker_id in tracker_ids
        )
        if tracker_ids:
            assigning.assign(tracker_ids=tracker_ids, run=order.run, start=start or now, now=now)
            _move_trackers(tracker_ids, Tracker.State.ALLOCATED, now)
        if len(tracker_ids) == lacking:
            order.state = Order.State.ALLOCATED
            order.save(update_fields=["state"])
    log.info(
        "devices_allocated",
        order=order.pk,
        allocated=len(allocations),
        still_lacking=lacking - len(allocations),
    )
    return allocations


def ship_order(*, order: Order, now: datetime) -> Order:
    """Send an ALLOCATED order: its trackers become ACTIVE, and their reports are fetched while the run lasts.

    Returns the order as it is now. Raises WrongOrderState.
    """
    with transaction.atomic():
        order = _lock_order(order, Order.State.ALLOCATED)
        tracker_ids = list(order.allocations.open().values_list("tracker_id", flat=True))
        locking.lock_trackers(tracker_ids)
        _move_trackers(tracker_ids, Tracker.State.ACTIVE, now)
        order.state = Order.State.SHIPPED
        order.shipped_at = now
        order.save(update_fields=["state", "shipped_at"])
    log.info("order_shipped", order=order.pk, devices=len(tracker_ids))
    return order


def _lock_order(order: Order, required: Order.State) -> Order:
    locked = (
        Order.objects.select_for_update(of=("self",), no_key=True)
        .select_related("run", "client")
        .get(pk=order.pk)
    )
    if locked.state != required:
        raise WrongOrderState(
            f"{locked} is {locked.get_state_display().lower()}; this needs one that is {required.label.lower()}."
        )
    return locked


def _wanted(lacking: int, quantity: int | None, macs: Collection[str] | None) -> int:
    if quantity is not None and macs is not None:
        raise InvalidQuantity("Give either a quantity or MACs, not both.")
    wanted = len(macs) if macs is not None else lacking if quantity is None else quantity
    if not 1 <= wanted <= lacking:
        raise InvalidQuantity(f"The order lacks {lacking}, and {wanted} can't be allocated to it.")
    return wanted


def _take_oldest(wanted: int, all_or_nothing: bool) -> list[int]:
    """Lock the oldest trackers in stock. Rows that another allocation holds are skipped, so nobody waits for anybody;
    `assign` then takes the same locks again."""
    stock = Tracker.objects.filter(state=Tracker.State.IN_STOCK).order_by("pk")
    taken = list(stock.select_for_update(skip_locked=True, no_key=True).values_list("pk", flat=True)[:wanted])
    if not taken or (all_or_nothing and len(taken) < wanted):
        raise InsufficientStock(f"The stock has {len(taken)} of {wanted}: register more devices first.")
    return taken


def _take_by_mac(macs: Collection[str]) -> list[int]:
    wanted = {mac.strip().upper() for mac in macs}
    ids = dict(Tracker.objects.filter(mac__in=wanted).values_list("mac", "pk"))
    if unknown := wanted - ids.keys():
        raise UnknownDevices(f"No tracker has the MAC {assigning.name_macs(unknown)}.")
    if len(wanted) < len(macs):
        raise InvalidQuantity("A MAC is listed twice: list each once.")
    locking.lock_trackers(ids.values())
    taken = Tracker.objects.filter(pk__in=ids.values()).exclude(state=Tracker.State.IN_STOCK)
    if unavailable := list(taken.values_list("mac", flat=True)):
        raise NotInStock(f"Not in stock: {assigning.name_macs(unavailable)}.")
    return sorted(ids.values())


def _move_trackers(tracker_ids: Sequence[int], state: Tracker.State, now: datetime) -> None:
    """The rows are locked, and their state is known."""
    Tracker.objects.filter(pk__in=tracker_ids).update(state=state, updated_at=now)
