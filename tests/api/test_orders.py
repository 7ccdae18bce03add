"""Clients place orders, follow them, see their devices and cancel them; viewers look on."""

from datetime import timedelta

import pytest

from orders.models import MAX_DEVICES, Order
from orders.services import allocating
from tests import factories
from tests.personas import make_member
from trackers.models import Tracker

ORDERS = "/api/v1/orders/"


@pytest.fixture
def manager(as_persona):
    return as_persona("manager")


def wish(world, **fields):
    return {"run": world.alpha.run.pk, "quantity": 3, "reference": "PO-1"} | fields


def own(world):
    return f"{ORDERS}{world.alpha.order.pk}/"


def test_manager_places_an_order_and_is_recorded_with_it(world, manager):
    response = manager.post(ORDERS, wish(world, wanted_by="2099-01-01"))
    assert response.status_code == 201, response.content
    answer = response.json()
    assert (answer["state"], answer["quantity"], answer["allocated"]) == ("PLACED", 3, 0)
    assert answer["client"]["name"] == "Alpha"
    order = Order.objects.get(pk=answer["id"])
    assert order.created_by == world.users["manager"]
    assert order.transitions.get().actor == world.users["manager"]
    assert order.audit.get().pgh_context["user"] == world.users["manager"].pk


def test_order_that_is_sent_again_is_not_placed_twice(world, manager):
    first, second = (manager.post(ORDERS, wish(world)) for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json() == second.json()
    other = manager.post(ORDERS, wish(world, quantity=4))
    assert (other.status_code, other.json()["code"]) == (409, "reference_taken")
    assert Order.objects.filter(reference="PO-1").count() == 1


@pytest.mark.parametrize(("persona", "status"), [("viewer", 403), ("staff", 403), ("anonymous", 401)])
def test_only_managers_place_orders(world, as_persona, persona, status):
    assert as_persona(persona).post(ORDERS, wish(world)).status_code == status
    assert Order.objects.count() == 2


def test_another_clients_run_does_not_exist(world, as_persona):
    response = as_persona("other_client").post(ORDERS, wish(world))
    assert response.status_code == 400
    assert "that you manage" in response.json()["errors"]["run"][0]


def test_manager_of_one_client_and_viewer_of_another_orders_for_the_first_only(world):
    user = make_member(world.alpha.client, "VIEWER")
    factories.MembershipFactory(user=user, client=world.beta.client, role="MANAGER")
    world.users["both"] = user
    client = world.api_client("both")
    assert client.post(ORDERS, wish(world)).status_code == 400
    assert client.post(ORDERS, wish(world, run=world.beta.run.pk)).status_code == 201
    assert client.post(f"{own(world)}cancel/").status_code == 403


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("run", None),
        ("run", True),
        ("run", "1"),
        ("run", 2**70),
        ("quantity", 0),
        ("quantity", MAX_DEVICES + 1),
        ("quantity", "many"),
        ("reference", ""),
        ("reference", "x" * 101),
        ("reference", "a\0b"),
        ("wanted_by", "2020-01-01"),
        ("wanted_by", "9999-12-31"),
        ("wanted_by", "soon"),
    ],
)
def test_rubbish_is_refused_with_the_field(world, manager, field, value):
    response = manager.post(ORDERS, wish(world, **{field: value}))
    assert response.status_code == 400
    assert list(response.json()["errors"]) == [field]


@pytest.mark.parametrize("body", [[], "x", 3, None])
def test_body_that_is_no_object_is_refused(manager, body):
    assert manager.post(ORDERS, body).status_code == 400


def test_run_that_has_ended_is_a_conflict(world, manager):
    run = factories.RunFactory(brand=world.alpha.run.brand, end_date=(world.now - timedelta(days=1)).date())
    response = manager.post(ORDERS, wish(world, run=run.pk))
    assert (response.status_code, response.json()["code"]) == (409, "run_has_ended")


def test_cancelling_gives_the_devices_back(world, manager):
    tracker = factories.TrackerFactory(mac="00:00:00:00:00:01")
    order = factories.OrderFactory(run=world.alpha.run, quantity=2, placed_at=world.now)
    allocating.allocate_devices(order=order, now=world.now)
    response = manager.post(f"{ORDERS}{order.pk}/cancel/", {"reason": "not needed"})
    assert response.status_code == 200
    assert (response.json()["state"], response.json()["allocated"]) == ("CANCELLED", 0)
    assert order.transitions.latest("pk").reason == "not needed"
    tracker.refresh_from_db()
    assert tracker.state == Tracker.State.IN_STOCK
    assert manager.post(f"{ORDERS}{order.pk}/cancel/").status_code == 409


def test_order_that_is_allocated_in_full_is_not_cancelled_by_its_client(world, manager):
    order = factories.OrderFactory(
        run=world.alpha.run, quantity=1, placed_at=world.now, state=Order.State.ALLOCATED
    )
    response = manager.post(f"{ORDERS}{order.pk}/cancel/")
    assert (response.status_code, response.json()["code"]) == (409, "wrong_order_state")


def test_devices_are_listed_in_pages_without_gap_or_double(world, as_persona):
    macs = ["A1:A1:A1:00:00:01"]
    for _ in range(4):
        assignment = factories.AssignmentFactory(run=world.alpha.run)
        factories.AllocationFactory(order=world.alpha.order, tracker=assignment.tracker)
        macs.append(assignment.tracker.mac)
    viewer = as_persona("viewer")
    url, found = f"{own(world)}devices/?page_size=2", []
    while url:
        page = viewer.get(url).json()
        found += [device["mac"] for device in page["results"]]
        url = page["next"]
    assert found == macs


def test_device_that_was_moved_by_hand_to_another_client_shows_no_status(world, as_persona):
    tracker = world.alpha.tracker
    Tracker.objects.filter(pk=tracker.pk).update(latest_assignment=world.beta.assignment)
    (device,) = as_persona("viewer").get(f"{own(world)}devices/").json()["results"]
    assert (device["mac"], device["status"]) == (tracker.mac, None)


@pytest.mark.parametrize(
    ("query", "number"),
    [("state=PLACED", 1), ("state=SHIPPED", 0), ("reference=Alpha order", 1), ("reference=Beta order", 0)],
)
def test_orders_are_filtered(world, as_persona, query, number):
    assert as_persona("viewer").get(f"{ORDERS}?{query}").json()["count"] == number
