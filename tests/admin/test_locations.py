"""Fences typed and drawn, and the replays that a change asks for."""

import json
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from locations.models import Location
from tests.factories import DeliveryFactory, RunFactory, StorageFactory
from trackers import tasks

SQUARE = {"type": "Polygon", "coordinates": [[[4, 52], [5, 52], [5, 53], [4, 53], [4, 52]]]}
BOW_TIE = {"type": "Polygon", "coordinates": [[[4, 52], [5, 53], [5, 52], [4, 53], [4, 52]]]}


@pytest.fixture(autouse=True)
def requested(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """What was to be replayed."""
    asked: list[tuple[str, int]] = []
    for task in (tasks.replay_location, tasks.replay_run):
        name = task.name.rpartition(".")[2]
        monkeypatch.setattr(task, "delay_on_commit", lambda pk, name=name: asked.append((name, pk)))
    return asked


def add(ops: Client, kind: str = "storagelocation", **changed: Any) -> Any:
    form = {"name": "Depot", "address": "", "lat": "52.1", "lon": "5.1", "radius_m": "250", "area": ""}
    return ops.post(reverse(f"admin:locations_{kind}_add"), form | changed)


def change(ops: Client, location: Location, **changed: Any) -> Any:
    form = {
        "name": location.name,
        "address": location.address,
        "lat": location.center.y,
        "lon": location.center.x,
        "radius_m": location.radius_m,
        "area": location.area.geojson if location.area else "",
    }
    url = reverse("admin:locations_storagelocation_change", args=[location.pk])
    return ops.post(url, form | changed)


def test_circle_is_stored_with_the_kind_of_its_page(ops: Client, requested: list[Any]) -> None:
    assert add(ops).status_code == 302
    assert add(ops, "deliverylocation", name="Shop").status_code == 302
    depot, shop = Location.objects.order_by("pk")
    assert (depot.kind, depot.center.coords, depot.radius_m) == ("STORAGE", (5.1, 52.1), 250)
    assert shop.kind == "DELIVERY"
    assert requested == [("replay_location", depot.pk), ("replay_location", shop.pk)]


def test_area_is_stored(ops: Client) -> None:
    add(ops, area=json.dumps(SQUARE))
    assert Location.objects.get().area.extent == (4, 52, 5, 53)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("area", "no json"),
        ("area", '{"type": "Point", "coordinates": [4, 52]}'),
        ("area", json.dumps(BOW_TIE)),
        ("area", '{"type": "Polygon", "coordinates": [[[4, 95], [5, 95], [5, 96], [4, 95]]]}'),
        ("area", '{"type": "Polygon", "coordinates": []}'),
        ("lat", "91"),
        ("lon", "-181"),
        ("lat", ""),
        ("radius_m", "0"),
        ("radius_m", "100001"),
    ],
)
def test_impossible_fence_is_refused_with_its_field(ops: Client, field: str, value: str) -> None:
    answer = add(ops, **{field: value})
    assert answer.status_code == 200
    assert list(answer.context["adminform"].form.errors) == [field]
    assert not Location.objects.exists()


def test_end_before_the_beginning_is_refused(ops: Client) -> None:
    times = {
        "active_from_0": "2026-03-02",
        "active_from_1": "00:00",
        "active_until_0": "2026-03-01",
        "active_until_1": "00:00",
    }
    assert list(add(ops, **times).context["adminform"].form.errors) == ["active_until"]


@pytest.mark.parametrize(
    ("changed", "replays"),
    [({"radius_m": "300"}, True), ({"lat": "52"}, True), ({"name": "New", "address": "Road 1"}, False)],
)
def test_only_a_changed_fence_is_replayed(
    ops: Client, requested: list[Any], changed: dict[str, str], replays: bool
) -> None:
    location = StorageFactory()
    assert change(ops, location, **changed).status_code == 302
    assert requested == ([("replay_location", location.pk)] if replays else [])


def test_linking_a_run_is_replayed(ops: Client, requested: list[Any]) -> None:
    location = StorageFactory()
    change(ops, location, runs=[RunFactory().pk])
    assert requested == [("replay_location", location.pk)]


def test_other_fences_are_shown_but_not_its_own(ops: Client) -> None:
    location = StorageFactory(name="Here")
    DeliveryFactory(name="Beside")
    page = ops.get(reverse("admin:locations_storagelocation_change", args=[location.pk]))
    [other] = page.context["others"]["features"]
    assert other["properties"] == {"name": "Beside", "kind": "DELIVERY", "radius_m": 100}


@pytest.mark.parametrize(("confirmations", "replays"), [("2", True), ("1", False)])
def test_changed_policy_replays_the_run(
    ops: Client, requested: list[Any], confirmations: str, replays: bool
) -> None:
    run = RunFactory()
    form = {
        "brand": run.brand_id,
        "name": "Renamed",
        "start_date": run.start_date,
        "end_date": run.end_date,
        "max_accuracy_m": 300,
        "exit_accuracy_cap_m": 100,
        "confirmations": confirmations,
    }
    assert ops.post(reverse("admin:clients_productionrun_change", args=[run.pk]), form).status_code == 302
    assert requested == ([("replay_run", run.pk)] if replays else [])
