"""Orders are drafted by ops, or placed at once by ops and clients."""

from datetime import date, datetime

import structlog
from django.db import IntegrityError, transaction

from clients.models import Client, ProductionRun, User
from foundation import audit
from orders import lifecycle
from orders.errors import InvalidQuantityError, ReferenceTakenError, RunHasEndedError, RunOfAnotherClientError
from orders.lifecycle import OrderState
from orders.models import MAX_DEVICES, Order
from orders.services import states

log = structlog.get_logger(__name__)


def refuse_invalid(*, run: ProductionRun, quantity: int, now: datetime) -> None:
    """Raise RunHasEndedError (before today, in UTC) or InvalidQuantityError if such an order can't be made."""
    if run.end_date < now.date():
        raise RunHasEndedError(f"{run} ended on {run.end_date}: extend it or choose another run.")
    if not 1 <= quantity <= MAX_DEVICES:
        raise InvalidQuantityError(f"An order is for 1 to {MAX_DEVICES:,} trackers; split a larger one.")


def is_taken(*, client_id: int, reference: str, but: int | None) -> bool:
    """Whether an order of the client that is not cancelled, other than `but`, has the reference."""
    taken_by = _with_reference(client_id, reference)
    return taken_by is not None and taken_by.pk != but


def draft_order(
    *,
    run: ProductionRun,
    quantity: int,
    now: datetime,
    reference: str = "",
    wanted_by: date | None = None,
    actor: User | None = None,
) -> Order:
    """Note down an order of the run's client; `place_draft` makes it count. Raises as `place_order` does."""
    return _make(Order.State.DRAFT, run, quantity, reference, wanted_by, actor, now)


def revise_draft(
    *,
    order: Order,
    run: ProductionRun,
    quantity: int,
    reference: str,
    wanted_by: date | None,
    now: datetime,
    actor: User | None = None,
) -> Order:
    """Change a DRAFT. Raises WrongOrderStateError, and as `place_order` does."""
    refuse_invalid(run=run, quantity=quantity, now=now)
    if reference and is_taken(client_id=run.brand.client_id, reference=reference, but=order.pk):
        raise ReferenceTakenError(
            f"{run.brand.client} has an order with the reference {reference!r} already: choose another one."
        )
    with transaction.atomic(), audit.acting(actor):
        order = states.lock_order(order, *lifecycle.REVISE.comes_from)
        order.client, order.run = run.brand.client, run
        order.quantity, order.reference, order.wanted_by = quantity, reference, wanted_by
        order.save(update_fields=["client", "run", "quantity", "reference", "wanted_by"])
    return order


def place_draft(*, order: Order, now: datetime, actor: User | None = None) -> Order:
    """Place a DRAFT: from then it waits for devices. Raises WrongOrderStateError, RunHasEndedError."""
    with transaction.atomic(), audit.acting(actor):
        order = states.lock_order(order, *lifecycle.PLACE.comes_from)
        refuse_invalid(run=order.run, quantity=order.quantity, now=now)
        states.move_orders([order], lifecycle.PLACE.becomes, now=now, actor=actor, placed_at=now)
    log.info("order_placed", order=order.pk, quantity=order.quantity, run=order.run_id)
    return order


def reduce_order(
    *, order: Order, quantity: int, now: datetime, actor: User | None = None, reason: str = ""
) -> Order:
    """Reduce a PLACED order to fewer devices than it wanted, at least those that it has; with all of these it is
    ALLOCATED. The audit log keeps the reason. Raises WrongOrderStateError, InvalidQuantityError."""
    with transaction.atomic(), audit.acting(actor, reason=reason):
        order = states.lock_order(order, *lifecycle.REDUCE.comes_from)
        has = order.allocations.open().count()
        if not max(has, 1) <= quantity < order.quantity:
            raise InvalidQuantityError(
                f"{order} has {has:,} of {order.quantity:,} devices: reduce it to fewer than it wants, but not to fewer"
                " than it has."
            )
        order.quantity = quantity
        order.save(update_fields=["quantity"])
        if has == quantity:
            states.move_orders([order], lifecycle.REDUCE.becomes, now=now, actor=actor, reason=reason)
    log.info("order_reduced", order=order.pk, quantity=quantity)
    return order


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
    """Place an order of `client` for `quantity` trackers in `run`; aware `now`.

    Raises RunOfAnotherClientError, RunHasEndedError (before today, in UTC), InvalidQuantityError, or
    ReferenceTakenError if an order of the client that is not cancelled has the reference.
    """
    if run.brand.client_id != client.pk:
        raise RunOfAnotherClientError(f"{run} is not a run of {client}: order for one of its own.")
    order = _make(Order.State.PLACED, run, quantity, reference, wanted_by, actor, now)
    log.info("order_placed", order=order.pk, quantity=quantity, run=run.pk)
    return order


def place_once(
    *,
    run: ProductionRun,
    quantity: int,
    reference: str,
    wanted_by: date | None,
    actor: User | None,
    now: datetime,
) -> tuple[Order, bool]:
    """Place an order of the run's client, unless the same one is there: a request may be sent again.

    The same has the same reference, run, quantity and date. Returns the order, and whether it is new. Raises as
    `place_order` does.
    """
    client = run.brand.client
    asked = (run.pk, quantity, wanted_by)
    try:
        order = place_order(
            client=client,
            run=run,
            quantity=quantity,
            reference=reference,
            wanted_by=wanted_by,
            actor=actor,
            now=now,
        )
    except ReferenceTakenError:
        known = _with_reference(client.pk, reference)
        if known and (known.run_id, known.quantity, known.wanted_by) == asked:
            return known, False
        raise
    return order, True


def _make(
    state: OrderState,
    run: ProductionRun,
    quantity: int,
    reference: str,
    wanted_by: date | None,
    actor: User | None,
    now: datetime,
) -> Order:
    refuse_invalid(run=run, quantity=quantity, now=now)
    try:
        with transaction.atomic(), audit.acting(actor):
            order = Order.objects.create(
                client_id=run.brand.client_id,
                run=run,
                quantity=quantity,
                reference=reference,
                wanted_by=wanted_by,
                state=state,
                created_at=now,
                created_by=actor,
                placed_at=now if state == Order.State.PLACED else None,
            )
            states.record_beginning(order, now=now, actor=actor)
    except IntegrityError as error:
        if "order_reference_once_per_client" not in str(error):
            raise
        raise ReferenceTakenError(
            f"{run.brand.client} has an order with the reference {reference!r} already: choose another one."
        ) from error
    return order


def _with_reference(client_id: int, reference: str) -> Order | None:
    orders = Order.objects.filter(client=client_id, reference=reference)
    return orders.exclude(state=Order.State.CANCELLED).first()
