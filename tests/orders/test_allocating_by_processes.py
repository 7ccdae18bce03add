"""Eight processes take one stock of ten thousand at once."""

import multiprocessing
from concurrent.futures import ProcessPoolExecutor

import pytest
from django.db import connection
from django.db.models import Count

from orders.models import DeviceAllocation, Order
from tests.factories import NOW, OrderFactory, RunFactory, make_mac
from tests.orders import processes
from trackers.models import Assignment, Tracker

PROCESSES = 8
STOCK = 10_000
ORDERS_EACH = 5
QUANTITY = 260


@pytest.mark.django_db(transaction=True)
def test_eight_processes_share_a_stock_and_no_tracker_is_given_twice():
    Tracker.objects.bulk_create(Tracker(mac=make_mac(0x100000 + number)) for number in range(STOCK))
    run = RunFactory()
    orders = OrderFactory.create_batch(PROCESSES * ORDERS_EACH, run=run, quantity=QUANTITY, placed_at=NOW)
    ids = [order.pk for order in orders]
    with ProcessPoolExecutor(
        PROCESSES,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=processes.connect,
        initargs=(connection.settings_dict["NAME"],),
    ) as pool:
        given = list(pool.map(processes.allocate, [ids[i::PROCESSES] for i in range(PROCESSES)]))
    assert sum(given) == DeviceAllocation.objects.open().count() == Assignment.objects.count() == STOCK
    assert DeviceAllocation.objects.values("tracker").distinct().count() == STOCK
    assert not Tracker.objects.exclude(state=Tracker.State.ALLOCATED).exists()
    numbers = Order.objects.annotate(devices=Count("allocations")).values_list("state", "devices")
    assert all(devices <= QUANTITY for _, devices in numbers)
    assert all(devices == QUANTITY for state, devices in numbers if state == Order.State.ALLOCATED)
