"""Orders in the admin: drafted by a form, moved by steps, with what will happen said before."""

from datetime import date, timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from clients.models import ProductionRun
from orders import mac_lists
from orders.models import Order
from orders.services import allocating
from tests.factories import (
    AssignmentFactory,
    BrandFactory,
    ClientFactory,
    OrderFactory,
    RunFactory,
    TrackerFactory,
)
from trackers.models import Tracker

pytestmark = pytest.mark.django_db

LIST = "admin:orders_order_changelist"


def page(order: Order) -> str:
    return reverse("admin:orders_order_change", args=[order.pk])


def ask(ops: Client, order: Order, step: str) -> str:
    return ops.get(reverse("admin:orders_order_do", args=[order.pk, step])).content.decode()


def take(ops: Client, order: Order, step: str, **form: Any) -> Any:
    url = reverse("admin:orders_order_do", args=[order.pk, step])
    return ops.post(url, {"confirmed": "1", **form}, follow=True)


def said(answer: Any) -> list[str]:
    return [str(message) for message in answer.context["messages"]]


def form_errors(answer: Any) -> str:
    return str(answer.context["form"].errors)


@pytest.fixture
def order() -> Order:
    return OrderFactory(quantity=50, reference="PO-50", placed_at=timezone.now())


def test_draft_is_made_changed_and_placed(ops: Client) -> None:
    run = RunFactory()
    form = {"run": run.pk, "quantity": 5, "reference": "PO-9", "wanted_by": "2030-01-31"}
    ops.post(reverse("admin:orders_order_add"), form)
    order = Order.objects.get()
    assert (order.state, order.client, order.created_by.username) == ("DRAFT", run.brand.client, "ops")
    ops.post(page(order), form | {"quantity": 6})
    order.refresh_from_db()
    assert order.quantity == 6
    assert "6 devices will be needed; the stock has 0" in ask(ops, order, "place")
    assert said(take(ops, order, "place")) == ["1 order placed."]
    order.refresh_from_db()
    assert [row.actor.username for row in order.transitions.all()] == ["ops", "ops"]
    ops.post(page(order), form | {"quantity": 7})
    order.refresh_from_db()
    assert order.quantity == 6


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"quantity": 0}, "1 to 20,000 trackers"),
        ({"quantity": 20_001}, "1 to 20,000 trackers"),
        ({"quantity": ""}, "required"),
        ({"run": ""}, "required"),
        ({"reference": "PO-50"}, "another order with this reference"),
        ({"wanted_by": "soon"}, "valid date"),
    ],
)
def test_impossible_drafts_are_refused_at_the_field(
    ops: Client, order: Order, change: dict[str, Any], error: str
) -> None:
    form = {"run": order.run_id, "quantity": 5, "reference": "PO-9", "wanted_by": ""} | change
    answer = ops.post(reverse("admin:orders_order_add"), form)
    assert answer.status_code == 200
    assert error in str(answer.context["adminform"].form.errors)
    assert Order.objects.count() == 1


def test_draft_for_a_run_that_has_ended_is_refused(ops: Client) -> None:
    run = RunFactory(end_date=timezone.now().date() - timedelta(days=1))
    answer = ops.post(reverse("admin:orders_order_add"), {"run": run.pk, "quantity": 1})
    assert "extend it or choose another run" in str(answer.context["adminform"].form.errors)


def test_partial_allocation_is_announced_said_and_shown(ops: Client, order: Order) -> None:
    TrackerFactory.create_batch(38)
    assert "50 devices lacking; the stock has 38." in ask(ops, order, "allocate")
    answer = take(ops, order, "allocate", quantity=50)
    assert said(answer) == ["38 devices allocated: PO-50 has 38 of 50, 12 are still needed."]
    text = answer.content.decode()
    assert "38 of 50 devices allocated" in text
    assert 'aria-valuenow="76"' in text


def test_all_or_nothing_allocates_nothing_of_a_short_stock(ops: Client, order: Order) -> None:
    TrackerFactory.create_batch(3)
    answer = take(ops, order, "allocate", quantity=50, all_or_nothing="on")
    assert "The stock has 3 of 50" in said(answer)[0]
    assert not order.allocations.exists()


def test_pasted_macs_come_first_and_the_stock_fills_up(ops: Client, order: Order) -> None:
    trackers = TrackerFactory.create_batch(5)
    macs = f"Serial;MAC\nx;{trackers[4].mac.lower()}\ny;{trackers[3].mac.replace(':', '-')}"
    take(ops, order, "allocate", quantity=3, macs=macs)
    assert set(order.allocations.values_list("tracker", flat=True)) == {
        trackers[0].pk,
        trackers[3].pk,
        trackers[4].pk,
    }


def test_uploaded_macs_alone_are_allocated(ops: Client, order: Order) -> None:
    trackers = TrackerFactory.create_batch(3)
    file = SimpleUploadedFile("macs.csv", f"\ufeffMAC\r\n{trackers[1].mac}\r\n".encode())
    answer = take(ops, order, "allocate", quantity="", file=file)
    assert said(answer) == ["1 device allocated: PO-50 has 1 of 50, 49 are still needed."]
    assert order.allocations.get().tracker == trackers[1]


def test_what_is_wrong_with_the_macs_is_said_with_row_and_column_and_the_form_is_kept(
    ops: Client, order: Order
) -> None:
    held = TrackerFactory(state=Tracker.State.LOST)
    macs = f"serial,mac\n1,{TrackerFactory().mac}\n2,{held.mac}\n3,C0:FF:EE:00:00:01"
    answer = take(ops, order, "allocate", macs=macs)
    assert f"Not in stock: {held.mac} (row 3, column 2)." in form_errors(answer)
    assert "No tracker has the MAC: C0:FF:EE:00:00:01 (row 4, column 2)." in form_errors(answer)
    assert "C0:FF:EE:00:00:01" in answer.content.decode()
    assert not order.allocations.exists()


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (b"", "empty"),
        (b"x" * (mac_lists.MAX_BYTES + 1), "larger than 2 MB"),
        (b"PK\x03\x04", "workbook"),
        (b"\xff", "not in UTF-8"),
        (b"1.12233E+11", "a spreadsheet took the MAC or serial for a number"),
    ],
)
def test_bad_files_are_refused_at_the_field(ops: Client, order: Order, content: bytes, error: str) -> None:
    file = SimpleUploadedFile("macs.csv", content)
    assert error in form_errors(take(ops, order, "allocate", quantity="", file=file))


def test_serials_are_taken_as_well_as_macs_and_unknown_ones_are_told_by_row(
    ops: Client, order: Order
) -> None:
    first, second = TrackerFactory.create_batch(2)
    take(ops, order, "allocate", quantity="", macs=f"serial;mac;note\n{first.serial};;x, y\n;{second.mac};")
    assert order.allocations.count() == 2
    answer = take(ops, order, "allocate", quantity="", macs=f"{TrackerFactory().serial}\nSN-404\n1122334455")
    assert (
        "No tracker has the serial: SN-404 (row 2, column 1), 1122334455 (row 3, column 1); if a spreadsheet cut"
        " leading zeros of MACs off" in form_errors(answer)
    )
    twice = TrackerFactory()
    answer = take(ops, order, "allocate", quantity="", macs=f"{twice.mac}\n{twice.serial}")
    assert f"The same tracker twice: {twice.mac} (row 1, column 1), {twice.serial} (row 2" in form_errors(
        answer
    )
    assert order.allocations.count() == 2


def test_macs_as_text_and_as_a_file_are_refused(ops: Client, order: Order) -> None:
    file = SimpleUploadedFile("macs.csv", b"C0:FF:EE:00:00:01")
    answer = take(ops, order, "allocate", macs="C0:FF:EE:00:00:01", file=file)
    assert "not both" in form_errors(answer)
    assert "Say how many, or name the devices" in form_errors(take(ops, order, "allocate"))


def test_way_from_allocation_to_fulfilment(ops: Client) -> None:
    TrackerFactory.create_batch(2)
    order = OrderFactory(quantity=2, placed_at=timezone.now())
    take(ops, order, "allocate", quantity=2)
    assert "2 devices will be active" in ask(ops, order, "ship")
    assert said(take(ops, order, "ship")) == ["1 order shipped."]
    assert "0 of 2 devices are at a delivery location now" in ask(ops, order, "fulfil")
    take(ops, order, "fulfil", reason="signed for")
    order.refresh_from_db()
    assert (order.state, order.transitions.latest("pk").reason) == ("FULFILLED", "signed for")


def test_order_is_reduced_to_what_it_has(ops: Client, order: Order) -> None:
    TrackerFactory.create_batch(2)
    allocating.allocate_devices(order=order, now=timezone.now())
    text = ask(ops, order, "reduce")
    assert "PO-50 wants 50 devices and has 2." in text
    (refusal,) = said(take(ops, order, "reduce", quantity=1))
    assert refusal.startswith("PO-50 has 2 of 50 devices: reduce it to fewer")
    assert said(take(ops, order, "reduce", quantity=2, reason="rest not made")) == [
        "PO-50 is for 2 devices now. It has them all."
    ]
    order.refresh_from_db()
    assert (order.state, order.transitions.latest("pk").reason) == ("ALLOCATED", "rest not made")


def test_cancelling_says_how_many_go_back(ops: Client, order: Order) -> None:
    TrackerFactory.create_batch(2)
    allocating.allocate_devices(order=order, now=timezone.now())
    assert "2 devices will go back into the stock" in ask(ops, order, "cancel")
    assert said(take(ops, order, "cancel", reason="typo")) == ["1 order cancelled."]
    assert Tracker.objects.filter(state=Tracker.State.IN_STOCK).count() == 2


def test_buttons_are_those_of_the_state(ops: Client) -> None:
    names = {
        "DRAFT": ["place", "cancel"],
        "PLACED": ["allocate", "reduce", "cancel"],
        "ALLOCATED": ["ship", "cancel"],
        "SHIPPED": ["fulfil"],
        "FULFILLED": [],
        "CANCELLED": [],
    }
    now = timezone.now()
    for state, expected in names.items():
        order = OrderFactory(state=state, placed_at=now, shipped_at=now)
        steps = ops.get(page(order)).context["steps"]
        assert [item["step"].name for item in steps] == expected, state


def test_list_action_does_what_it_can_and_names_the_rest(ops: Client, order: Order) -> None:
    draft = OrderFactory(state=Order.State.DRAFT, placed_at=None)
    form = {"action": "place", "confirmed": "1", "_selected_action": [order.pk, draft.pk]}
    (message,) = said(ops.post(reverse(LIST), form, follow=True))
    assert message == "1 order placed. PO-50 is placed; this needs one that is draft."


def test_confirmation_counts_only_what_the_step_can_be_done_to(ops: Client, order: Order) -> None:
    draft = OrderFactory(state=Order.State.DRAFT, placed_at=None, quantity=7)
    form = {"action": "place", "_selected_action": [order.pk, draft.pk]}
    answer = ops.post(reverse(LIST), form)
    assert "7 devices will be needed" in answer.content.decode()
    assert said(answer) == ["Left out, since it is not possible for them: PO-50."]
    assert [pk for pk, _ in answer.context["rows"]] == [draft.pk]


def test_step_that_is_not_possible_is_not_asked_about(ops: Client, order: Order) -> None:
    answer = ops.get(reverse("admin:orders_order_do", args=[order.pk, "ship"]), follow=True)
    assert answer.redirect_chain == [(page(order), 302)]
    assert said(answer) == ["Ship: not possible for PO-50 at present."]


def test_devices_are_paged(ops: Client, order: Order) -> None:
    TrackerFactory.create_batch(50)
    order = OrderFactory(quantity=60, placed_at=timezone.now())
    allocating.allocate_devices(order=order, now=timezone.now())
    TrackerFactory()
    allocating.allocate_devices(order=order, now=timezone.now())
    context = ops.get(page(order)).context
    assert len(context["page"]) == 50
    following = ops.get(page(order), {"devices_after": context["following"]}).context
    assert (len(following["page"]), following["following"]) == (1, None)
    assert ops.get(page(order), {"devices_after": "x" * 30}).status_code == 200


def act(ops: Client, tracker: Tracker, step: str, **form: Any) -> list[str]:
    url = reverse("admin:trackers_tracker_do", args=[tracker.pk, step])
    return said(ops.post(url, {"confirmed": "1", **form}, follow=True))


def test_device_is_returned_restocked_lost_and_retired_on_its_page(ops: Client, order: Order) -> None:
    tracker = TrackerFactory()
    allocating.allocate_devices(order=order, now=timezone.now())
    url = reverse("admin:trackers_tracker_do", args=[tracker.pk, "lose"])
    assert "1 is taken from PO-50" in ops.get(url).content.decode()
    assert act(ops, tracker, "lose", reason="fell off") == ["1 tracker reported lost."]
    assert act(ops, tracker, "return") == ["1 tracker returned."]
    assert act(ops, tracker, "restock") == ["1 tracker returned to stock."]
    assert act(ops, tracker, "retire", reason="cracked") == ["1 tracker retired."]
    (refusal,) = act(ops, tracker, "return")
    assert refusal == f"Only what is active or lost can become returned; not: {tracker.mac}."
    text = ops.get(reverse("admin:trackers_tracker_lifecycle", args=[tracker.pk])).content.decode()
    for part in ("Reported lost", "fell off", "Back in stock", "cracked", "by ops"):
        assert part in text


def test_start_page_warns_of_a_short_stock_and_leads_to_the_orders(ops: Client, order: Order) -> None:
    TrackerFactory.create_batch(3)
    text = ops.get(reverse("admin:index")).content.decode()
    assert "placed orders need 50 devices, and 3 are in stock" in text
    assert f"{reverse(LIST)}?state__exact=PLACED" in text


def test_brand_with_runs_stays_with_its_client(ops: Client) -> None:
    run, other = RunFactory(), ClientFactory()
    url = reverse("admin:clients_brand_change", args=[run.brand_id])
    answer = ops.post(url, {"client": other.pk, "name": run.brand.name})
    assert "stays with" in str(answer.context["adminform"].form.errors)
    run.delete()
    ops.post(url, {"client": other.pk, "name": run.brand.name})
    run.brand.refresh_from_db()
    assert run.brand.client == other


def run_form(run: ProductionRun, **change: Any) -> dict[str, Any]:
    return {
        "brand": run.brand_id,
        "name": run.name,
        "start_date": run.start_date,
        "end_date": run.end_date,
        "max_accuracy_m": run.max_accuracy_m,
        "exit_accuracy_cap_m": 100,
        "confirmations": 1,
        "max_speed_kmh": run.max_speed_kmh,
        "entry_accuracy_factor": run.entry_accuracy_factor,
    } | change


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"end_date": "2025-12-31"}, "would end before it begins"),
        ({"end_date": "9999-12-31"}, "between 2000-01-01 and 2099-12-31"),
        ({"start_date": "0001-01-01"}, "between 2000-01-01 and 2099-12-31"),
        ({"name": "Taken"}, "already exists"),
    ],
)
def test_impossible_runs_are_refused(ops: Client, change: dict[str, Any], error: str) -> None:
    run = RunFactory()
    RunFactory(brand=run.brand, name="Taken")
    url = reverse("admin:clients_productionrun_change", args=[run.pk])
    answer = ops.post(url, run_form(run, **change))
    assert error in str(answer.context["adminform"].form.errors)


def test_overlap_with_a_run_of_the_brand_is_said(ops: Client) -> None:
    run = RunFactory(name="Spring", start_date=date(2026, 3, 1), end_date=date(2026, 4, 30))
    form = run_form(run, name="Easter", start_date="2026-04-30", end_date="2026-05-10")
    (first, _) = said(ops.post(reverse("admin:clients_productionrun_add"), form, follow=True))
    assert first.startswith("Its dates overlap with Spring of the same brand.")
    form |= {"name": "May", "start_date": "2026-05-11", "end_date": "2026-05-20"}
    assert len(said(ops.post(reverse("admin:clients_productionrun_add"), form, follow=True))) == 1


def test_run_goes_to_another_brand_of_its_client_only(ops: Client) -> None:
    run = RunFactory()
    url = reverse("admin:clients_productionrun_change", args=[run.pk])
    answer = ops.post(url, run_form(run, brand=BrandFactory().pk))
    assert "stays with its client" in str(answer.context["adminform"].form.errors)
    ours = BrandFactory(client=run.brand.client)
    ops.post(url, run_form(run, brand=ours.pk))
    run.refresh_from_db()
    assert run.brand == ours


def test_change_of_a_runs_dates_says_what_is_fetched(ops: Client) -> None:
    run = AssignmentFactory().run
    url = reverse("admin:clients_productionrun_change", args=[run.pk])
    yesterday = timezone.now().date() - timedelta(days=1)
    ended = said(ops.post(url, run_form(run, end_date=yesterday), follow=True))
    assert any("nothing is fetched for its 1 active tracker" in message for message in ended)
    extended = said(ops.post(url, run_form(run, end_date="2099-01-01"), follow=True))
    assert any("its 1 active tracker will be fetched" in message for message in extended)
