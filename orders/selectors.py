"""Reads about orders, their devices and the stock."""

from collections import defaultdict
from typing import NamedTuple

from django.contrib.postgres.fields import RangeBoundary
from django.db.models import Case, CharField, Count, Exists, F, OuterRef, Q, QuerySet, Sum, When

from orders.errors import UnknownOrderError
from orders.mac_lists import MacList
from orders.models import DeviceAllocation, DeviceAllocationQuerySet, Order
from trackers.models import Assignment, GeoStatus, Tracker
from trackers.models.history import time_range
from trackers.selectors import resolve

DEVICES_PER_PAGE = 50


def order_called(name: str) -> Order:
    """The order with this reference, or id; a reference comes first. Raises UnknownOrderError, also where orders of
    several clients have the reference. Cancelled ones only go by their id."""
    orders = Order.objects.select_related("run__brand__client")
    found = list(orders.filter(reference=name).exclude(state=Order.State.CANCELLED)[:2]) if name else []
    if len(found) > 1:
        raise UnknownOrderError(
            f"Several clients have an order {name!r}: give its id, as the admin's address shows it."
        )
    if not found and name.isascii() and name.isdigit():
        found = list(orders.filter(pk=int(name[:18])))
    if not found:
        raise UnknownOrderError(f"There is no order {name!r}: give its reference or its id.")
    return found[0]


class Demand(NamedTuple):
    """What placed orders ask for: how many there are, and how many devices they still lack."""

    orders: int
    lacking: int


def demand() -> Demand:
    placed = Order.objects.filter(state=Order.State.PLACED)
    sums = placed.aggregate(orders=Count("pk"), devices=Sum("quantity"))
    given = DeviceAllocation.objects.open().filter(order__in=placed).count()
    return Demand(sums["orders"], max(0, (sums["devices"] or 0) - given))


def stock() -> int:
    return Tracker.objects.filter(state=Tracker.State.IN_STOCK).count()


def devices_page(order: Order, after: int) -> tuple[list[DeviceAllocation], int | None]:
    """A page of the devices that the order has, after the allocation `after`; and where the next one begins."""
    rows = order.allocations.open().filter(pk__gt=after).select_related("tracker").order_by("pk")
    page = list(rows[: DEVICES_PER_PAGE + 1])
    more = len(page) > DEVICES_PER_PAGE
    return page[:DEVICES_PER_PAGE], page[DEVICES_PER_PAGE - 1].pk if more else None


def device_counts(order: Order) -> dict[str, int]:
    """How many of the order's devices are delivered, and how many were released (returned, lost, cancelled)."""
    delivered = Q(released_at=None, tracker__status=GeoStatus.DELIVERED)
    numbers: dict[str, int] = order.allocations.aggregate(
        delivered=Count("pk", filter=delivered), released=Count("pk", filter=~Q(released_at=None))
    )
    return numbers


def devices_for_api(allocations: DeviceAllocationQuerySet) -> QuerySet[DeviceAllocation]:
    """Open allocations with their tracker's `mac`, `serial`, `state` and `status`.

    The status is that of the tracker's latest assignment: where somebody assigned the tracker to another client by
    hand, it is left out.
    """
    own = Q(tracker__latest_assignment__run__brand__client=F("order__client"))
    return allocations.open().annotate(
        mac=F("tracker__mac"),
        serial=F("tracker__serial"),
        state=F("tracker__state"),
        status=Case(When(own, then=F("tracker__status")), output_field=CharField(null=True)),
    )


def problems_of_list(listed: MacList) -> list[str]:
    """Why devices of a list can't be allocated, each with its place; none where all are in stock."""
    found = resolve(Tracker.objects.all(), listed.names)
    called: defaultdict[int, list[str]] = defaultdict(list)
    for name, pk in found.ids.items():
        called[pk].append(name)
    in_stock = set(
        Tracker.objects.filter(pk__in=called, state=Tracker.State.IN_STOCK).values_list("pk", flat=True)
    )
    macs = {mac for mac in found.unknown if mac in listed.macs}
    serials = set(found.unknown) - macs
    shortened = any(listed.listed[serial].name.may_be_shortened for serial in serials)
    hint = "; if a spreadsheet cut leading zeros of MACs off, format the column as text and fill it in again"
    told = (
        ("No tracker has the MAC", macs, ""),
        ("No tracker has the serial", serials, hint if shortened else ""),
        ("The MAC of one tracker and the serial of another, so name it otherwise", found.ambiguous, ""),
        (
            "The same tracker twice",
            [name for names in called.values() if len(names) > 1 for name in names],
            "",
        ),
        ("Not in stock", [name for pk, names in called.items() if pk not in in_stock for name in names], ""),
    )
    return [f"{what}: {listed.name(names)}{advice}." for what, names, advice in told if names]


def assignments_of(order: Order, assignments: QuerySet[Assignment]) -> QuerySet[Assignment]:
    """Those of the order's trackers to its run, in force at some time while they were allocated to it."""
    allocated = time_range("allocated_at", "released_at", RangeBoundary(inclusive_upper=True))
    theirs = DeviceAllocation.objects.filter(order=order)
    in_time = theirs.alias(allocated=allocated).filter(
        tracker=OuterRef("tracker"), allocated__overlap=OuterRef("period")
    )
    return assignments.filter(Exists(in_time), run=order.run, tracker__in=theirs.values("tracker"))
