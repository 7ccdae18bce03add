"""Orders from the command line: allocation and shipping."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from orders.models import Order
from tests.factories import OrderFactory, TrackerFactory
from trackers.models import Assignment, Tracker

pytestmark = pytest.mark.django_db


def run(command, *arguments):
    said = StringIO()
    call_command(command, *arguments, stdout=said)
    return said.getvalue()


@pytest.fixture
def order():
    return OrderFactory(quantity=3, reference="PO-3", placed_at=timezone.now())


def test_the_oldest_in_stock_are_allocated_and_shipped(order):
    first, second, third, _ = TrackerFactory.create_batch(4)
    assert run("allocate_devices", "PO-3") == "PO-3: 3 allocated, 3 of 3.\n"
    assert run("ship_order", str(order.pk)).startswith("PO-3 shipped: 3 active until ")
    states = set(
        Tracker.objects.filter(pk__in=[first.pk, second.pk, third.pk]).values_list("state", flat=True)
    )
    assert states == {Tracker.State.ACTIVE}


def test_a_short_stock_is_said(order):
    TrackerFactory.create_batch(2)
    assert run("allocate_devices", "PO-3") == "PO-3: 2 allocated, 2 of 3, 1 lacking.\n"


def test_listed_macs_come_first_and_json_names_the_devices(order, tmp_path):
    oldest, _, named = TrackerFactory.create_batch(3)
    path = tmp_path / "macs.csv"
    path.write_text(f"MAC;note\n{named.mac.replace(':', '-').lower()};the last one\n")
    answer = json.loads(run("allocate_devices", "PO-3", "--macs", str(path), "--quantity=2", "--json"))
    assert answer == {
        "order": order.pk,
        "state": "PLACED",
        "allocated": [oldest.mac, named.mac],
        "lacking": 1,
        "dry_run": False,
    }


def test_dry_runs_change_nothing(order):
    TrackerFactory.create_batch(3)
    assert run("allocate_devices", "PO-3", "--dry-run") == "PO-3: 3 would be allocated, 3 of 3.\n"
    assert not Assignment.objects.exists()
    run("allocate_devices", "PO-3")
    assert json.loads(run("ship_order", "PO-3", "--dry-run", "--json")) == {
        "order": order.pk,
        "state": "SHIPPED",
        "devices": 3,
        "dry_run": True,
    }
    order.refresh_from_db()
    assert order.state == Order.State.ALLOCATED


def test_what_can_not_be_done_is_one_line(order, tmp_path):
    TrackerFactory()
    rubbish, binary = tmp_path / "macs.txt", tmp_path / "macs.xlsx"
    rubbish.write_text("rubbish")
    binary.write_bytes(b"PK\x03\x04")
    for command, arguments, message in [
        ("allocate_devices", ("PO-9",), "There is no order 'PO-9': give its reference or its id."),
        ("allocate_devices", ("PO-3", "--all-or-nothing"), "The stock has 1 of 3: "),
        ("allocate_devices", ("PO-3", "--quantity=4"), "The order lacks 3, and 4 "),
        (
            "allocate_devices",
            ("PO-3", "--macs", str(rubbish)),
            "macs.txt: No tracker has the serial: rubbish (row 1, column 1)",
        ),
        ("allocate_devices", ("PO-3", "--macs", str(binary)), "macs.xlsx: This is a workbook"),
        ("allocate_devices", ("PO-3", "--macs", str(tmp_path / "none")), "none: No such file or directory."),
        ("ship_order", ("PO-3",), "PO-3 is placed; this needs one that is allocated."),
    ]:
        with pytest.raises(CommandError) as error:
            run(command, *arguments)
        assert message in str(error.value)
    assert not Assignment.objects.exists()


def test_a_reference_of_several_clients_is_not_guessed(order):
    other = OrderFactory(quantity=1, reference="PO-3", placed_at=timezone.now())
    TrackerFactory()
    with pytest.raises(CommandError, match="Several clients have an order 'PO-3': give its id"):
        run("allocate_devices", "PO-3")
    assert run("allocate_devices", str(other.pk)) == "PO-3: 1 allocated, 1 of 1.\n"


def test_a_cancelled_order_is_found_by_its_id_only(order):
    Order.objects.filter(pk=order.pk).update(state=Order.State.CANCELLED)
    with pytest.raises(CommandError, match="There is no order 'PO-3'"):
        run("ship_order", "PO-3")
    with pytest.raises(CommandError, match="PO-3 is cancelled"):
        run("ship_order", str(order.pk))
