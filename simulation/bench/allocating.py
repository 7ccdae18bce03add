"""Measures allocation: one order of ten thousand out of a stock of twice as many."""

import time
from datetime import datetime

from django.db import transaction

from clients.models import ProductionRun
from orders.services import allocating, placing
from trackers.models import Tracker

DEVICES = 10_000
# The world's own trackers begin elsewhere.
FIRST_MAC = 0xC4_00_00_00_00_00


def measure(*, now: datetime) -> dict[str, float]:
    """`allocations_per_s`: devices of one order, with the commit's checks; everything is undone again."""
    run = ProductionRun.objects.select_related("brand__client").filter(end_date__gte=now.date())[0]
    with transaction.atomic():
        Tracker.objects.bulk_create(
            Tracker(mac=(FIRST_MAC + number).to_bytes(6, "big").hex(":").upper())
            for number in range(2 * DEVICES)
        )
        order = placing.place_order(client=run.brand.client, run=run, quantity=DEVICES, now=now)
        begin = time.perf_counter()
        allocating.allocate_devices(order=order, now=now)
        transaction.get_connection().check_constraints()
        seconds = time.perf_counter() - begin
        transaction.set_rollback(True)
    return {"allocations_per_s": round(DEVICES / seconds)}
