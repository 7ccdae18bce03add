"""What orders tell of a tracker's lifecycle: ordered, allocated, shipped, taken away, restocked."""

from collections.abc import Callable

from orders.lifecycle import OrderState
from orders.models import DeviceAllocation, Order, OrderTransition
from trackers.models import Tracker
from trackers.pages import lifecycle
from trackers.pages.lifecycle import MAX_REPEATS, Milestone, Stage, reference

State = Tracker.State


def _allocations(tracker: Tracker) -> list[DeviceAllocation]:
    rows = DeviceAllocation.objects.filter(tracker=tracker).order_by("-allocated_at")
    return list(rows.select_related("order__client", "allocated_by")[:MAX_REPEATS])


def _allocated(tracker: Tracker) -> list[Milestone]:
    return [
        Milestone(
            "Allocated",
            row.allocated_at,
            actor=str(row.allocated_by or ""),
            about=reference(row.order),
            detail=f"To {row.order} of {row.order.client}",
        )
        for row in _allocations(tracker)
    ]


def _order_came_into(state: OrderState, name: str) -> Callable[[Tracker], list[Milestone]]:
    """When the tracker's orders came into a state while they had the tracker, or before they had it."""

    def load(tracker: Tracker) -> list[Milestone]:
        rows = {row.order_id: row for row in _allocations(tracker)}
        changes = OrderTransition.objects.filter(order__in=rows, to_state=state).order_by("at")
        return [
            Milestone(
                name,
                change.at,
                actor=str(change.actor or ""),
                about=reference(rows[change.order_id].order),
                detail=f"{rows[change.order_id].order} of {rows[change.order_id].order.client}",
            )
            for change in changes.select_related("actor")
            if _is_about(rows[change.order_id], change, first=state == Order.State.PLACED)
        ]

    return load


def _is_about(row: DeviceAllocation, change: OrderTransition, *, first: bool) -> bool:
    if first:
        # A placed order that lost a device was placed before.
        return change.from_state in ("", Order.State.DRAFT)
    return row.released_at is None or change.at < row.released_at


def _came_into(state: State, name: str) -> Callable[[Tracker], list[Milestone]]:
    """When the tracker itself came into a state, as its audit tells."""

    def load(tracker: Tracker) -> list[Milestone]:
        rows = tracker.audit.filter(pgh_label="update").order_by("-pgh_id")[: 5 * MAX_REPEATS]  # type: ignore[attr-defined]
        kept = list(rows)[::-1]
        users = lifecycle.user_names(row.pgh_context for row in kept)
        before = ""
        milestones = []
        for row in kept:
            if row.state == state != before:
                context = row.pgh_context or {}
                milestones.append(
                    Milestone(
                        name,
                        row.pgh_created_at,
                        actor=lifecycle.actor_name(context, users),
                        detail=context.get("reason", ""),
                    )
                )
            before = row.state
        return milestones

    return load


STAGES = (
    Stage(
        50, "shopping_cart", _order_came_into(Order.State.PLACED, "Ordered"), awaited="Ordered by a client"
    ),
    Stage(60, "playlist_add_check", _allocated, awaited="Allocated to an order"),
    Stage(70, "local_shipping", _order_came_into(Order.State.SHIPPED, "Shipped"), awaited="Shipped"),
    Stage(110, "keyboard_return", _came_into(State.RETURNED, "Returned")),
    Stage(110, "location_off", _came_into(State.LOST, "Reported lost")),
    Stage(120, "delete_forever", _came_into(State.RETIRED, "Retired")),
    Stage(40, "inventory", _came_into(State.IN_STOCK, "Back in stock"), restarts=True),
)
