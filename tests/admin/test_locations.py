"""Fences typed and drawn, and the replays that a change asks for."""

import json
import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.contrib.gis.geos import Point, Polygon
from django.test import Client
from django.urls import reverse

from clients.models import ProductionRun
from locations.models import Location
from tests.factories import AssignmentFactory, DeliveryFactory, RunFactory, StorageFactory, UserFactory
from tests.trackers.reports import incoming
from trackers import tasks
from trackers.models import RecomputationJob, Tracker
from trackers.services.reports import recording

SQUARE = {"type": "Polygon", "coordinates": [[[4, 52], [5, 52], [5, 53], [4, 53], [4, 52]]]}
BOW_TIE = {"type": "Polygon", "coordinates": [[[4, 52], [5, 53], [5, 52], [4, 53], [4, 52]]]}


SEEN_AT = datetime(2026, 3, 10, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def started(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Whether workers were told of a replay."""
    asked: list[bool] = []
    monkeypatch.setattr(tasks.work_off_recomputations, "delay_on_commit", lambda: asked.append(True))
    return asked


@pytest.fixture
def tracker(db: Any) -> Tracker:
    """Seen once, at the centre of the locations that `StorageFactory` makes."""
    tracker = AssignmentFactory().tracker
    see(tracker)
    return tracker


def see(tracker: Tracker) -> None:
    report = incoming(tracker.pk, SEEN_AT, latitude=52.3792, longitude=4.8994)
    recording.record_reports([report], now=SEEN_AT)


def replays() -> list[tuple[str, str, int]]:
    return [(job.reason, job.change, job.total) for job in RecomputationJob.objects.order_by("pk")]


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


def test_circle_is_stored_with_the_kind_of_its_page(ops: Client) -> None:
    assert add(ops).status_code == 302
    assert add(ops, "deliverylocation", name="Shop").status_code == 302
    depot, shop = Location.objects.order_by("pk")
    assert (depot.kind, depot.center.coords, depot.radius_m) == ("STORAGE", (5.1, 52.1), 250)
    assert shop.kind == "DELIVERY"


def test_area_is_stored(ops: Client) -> None:
    add(ops, area=json.dumps(SQUARE), lon="4.5", confirmed="1")
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


def test_change_that_affects_nobody_is_saved_at_once(ops: Client, started: list[bool]) -> None:
    location = StorageFactory()
    assert change(ops, location, radius_m="300").status_code == 302
    assert (Location.objects.get().radius_m, replays(), started) == (300, [], [])


@pytest.mark.parametrize("changed", [{"name": "New", "address": "Road 1"}, {}])
def test_what_decides_nothing_replays_nothing(
    ops: Client, tracker: Tracker, started: list[bool], changed: dict[str, str]
) -> None:
    location = StorageFactory(
        runs=[tracker.latest_assignment.run], active_from=SEEN_AT - timedelta(microseconds=5), area=None
    )
    form = {
        "active_from_0": "2026-03-10",
        "active_from_1": "11:59:59",
        "runs": tracker.latest_assignment.run_id,
    }
    assert change(ops, location, **form, **changed).status_code == 302
    assert (replays(), started) == ([], [])


def test_linking_a_run_says_first_what_it_changes_and_then_queues_it(
    ops: Client, tracker: Tracker, started: list[bool]
) -> None:
    location = StorageFactory()
    run = tracker.latest_assignment.run
    page = change(ops, location, runs=[run.pk])
    assert page.status_code == 200
    preview = page.context["preview"]
    assert (preview.affected, preview.compared, preview.changing, preview.complete) == (1, 1, 1, True)
    assert (preview.periods_retracted, preview.periods_added) == (1, 1)
    assert [example.mac for example in preview.examples] == [tracker.mac]
    assert (list(location.runs.all()), replays(), started) == ([], [], [])

    assert dict(page.context["fields"])["name"] == location.name
    assert change(ops, location, runs=[run.pk], confirmed="1").status_code == 302
    assert list(location.runs.all()) == [run]
    assert replays() == [("FENCE", f"added to {run.name}", 1)]
    assert started == [True]
    assert RecomputationJob.objects.get().requested_by == page.context["user"]


def test_new_fence_around_past_reports_is_previewed(ops: Client, tracker: Tracker) -> None:
    where = {"lat": "52.3792", "lon": "4.8994", "runs": tracker.latest_assignment.run_id}
    where |= {"active_from_0": "", "active_from_1": ""}
    page = add(ops, **where)
    assert page.status_code == 200
    assert not Location.objects.exists()
    assert add(ops, **where, confirmed="1").status_code == 302
    assert replays() == [("FENCE", "new fence", 1)]


def test_new_fence_of_today_is_saved_at_once(ops: Client, tracker: Tracker) -> None:
    where = {"lat": "52.3792", "lon": "4.8994", "runs": tracker.latest_assignment.run_id}
    today = {"active_from_0": "2026-03-11", "active_from_1": "00:00:00"}
    assert add(ops, **where, **today).status_code == 302
    assert Location.objects.exists()


def test_other_fences_are_shown_but_not_its_own(ops: Client) -> None:
    location = StorageFactory(name="Here")
    DeliveryFactory(name="Beside")
    page = ops.get(reverse("admin:locations_storagelocation_change", args=[location.pk]))
    [other] = page.context["others"]["features"]
    assert other["properties"] == {"name": "Beside", "kind": "DELIVERY", "radius_m": 100}


def change_run(ops: Client, run: ProductionRun, **changed: Any) -> Any:
    form = {
        "brand": run.brand_id,
        "name": "Renamed",
        "start_date": run.start_date,
        "end_date": run.end_date,
        "max_accuracy_m": run.max_accuracy_m,
        "exit_accuracy_cap_m": 100,
        "confirmations": 1,
        "max_speed_kmh": run.max_speed_kmh,
        "entry_accuracy_factor": run.entry_accuracy_factor,
    }
    return ops.post(reverse("admin:clients_productionrun_change", args=[run.pk]), form | changed)


def test_changed_dates_of_a_run_are_previewed_and_replayed(ops: Client, tracker: Tracker) -> None:
    run = tracker.latest_assignment.run
    page = change_run(ops, run, end_date="2026-03-09")
    assert page.context["preview"].changing == 1
    run.refresh_from_db()
    assert run.end_date == date(2099, 12, 31)
    assert change_run(ops, run, end_date="2026-03-09", confirmed="1").status_code == 302
    assert replays() == [("RUN", "last day 2099-12-31 → 2026-03-09", 1)]


def test_renamed_run_replays_nothing(ops: Client, tracker: Tracker) -> None:
    assert change_run(ops, tracker.latest_assignment.run).status_code == 302
    assert replays() == []


def test_replay_is_shown_cancelled_and_resumed(ops: Client, tracker: Tracker) -> None:
    change_run(ops, tracker.latest_assignment.run, end_date="2026-03-09", confirmed="1")
    job = RecomputationJob.objects.get()
    url = reverse("admin:trackers_recomputationjob_change", args=[job.pk])
    assert b"0 of 1 trackers, 0 changed" in ops.get(url).content
    asked = reverse("admin:trackers_recomputationjob_progress", args=[job.pk])
    assert ops.get(asked).json()["running"] is True
    for step, state in (("cancel", "CANCELLED"), ("resume", "QUEUED")):
        ops.post(reverse("admin:trackers_recomputationjob_do", args=[job.pk, step]), {"confirmed": "1"})
        job.refresh_from_db()
        assert job.state == state


def test_tuned_radius_is_previewed_and_saved_as_the_form_would(ops: Client, tracker: Tracker) -> None:
    north_m = Point(4.8994, 52.3807)
    run = tracker.latest_assignment.run
    location = StorageFactory(runs=[run], center=north_m, active_from=SEEN_AT - timedelta(microseconds=9))
    page = ops.get(reverse("admin:locations_storagelocation_tune", args=[location.pk]))
    assert page.status_code == 200
    assert {trial.radius_m: trial.gained for trial in page.context["tuning"].trials}[200] == 0
    form = {
        name: value
        for name, value in re.findall(
            r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page.content.decode()
        )
        if name != "csrfmiddlewaretoken"
    }
    url = page.context["change_url"]
    preview = ops.post(url, form | {"radius_m": "200"})
    assert preview.context["change"] == "radius 100 → 200 m"
    assert ops.post(url, form | {"radius_m": "200", "confirmed": "1"}).status_code == 302
    assert replays() == [("FENCE", "radius 100 → 200 m", 1)]


def test_area_is_not_tuned(ops: Client) -> None:
    location = StorageFactory(area=Polygon.from_bbox((4, 52, 5, 53)))
    page = ops.get(reverse("admin:locations_storagelocation_tune", args=[location.pk]))
    assert page.status_code == 302
    assert ops.get(reverse("admin:locations_storagelocation_tune", args=[0])).status_code == 404


class TestCheckedWhileDrawn:
    """What the editor is told of a fence before it is saved."""

    def check(self, ops: Client, *, of: Location | None = None, **values: Any) -> Any:
        name = "admin:locations_storagelocation_check_fence"
        url = reverse(name, args=[of.pk] if of else [])
        response = ops.post(url, {"lat": "", "lon": "", "radius_m": "", "area": ""} | values)
        assert response.status_code == 200
        return response.json()

    def test_fine_fence_has_nothing_said_of_it(self, ops: Client) -> None:
        assert self.check(ops, lat=52, lon=5) == {"refused": [], "warnings": []}
        assert self.check(ops, area=json.dumps(SQUARE)) == {"refused": [], "warnings": []}

    def test_what_the_save_would_refuse_is_said(self, ops: Client) -> None:
        for values, says in (
            ({"area": json.dumps(BOW_TIE)}, "crosses itself"),
            ({"area": json.dumps(SQUARE), "lat": 4.5, "lon": 52.5}, "swapped"),
            ({"lat": 52, "lon": 5, "radius_m": 0}, "100,000 metres"),
            ({"lat": 92, "lon": 5}, "90"),
            ({"lat": 52, "lon": 5, "runs": "x"}, "x"),
            ({}, "draw an area"),
            ({"lat": 52, "lon": 5, "radius": 80}, "did you mean `radius_m`?"),
        ):
            [refused] = self.check(ops, **values)["refused"]
            assert says in refused

    def test_overlaps_with_others_of_its_runs_are_said(self, ops: Client) -> None:
        run = RunFactory()
        location = StorageFactory(name="Depot", runs=[run])
        where = {"lat": location.center.y, "lon": location.center.x, "runs": [run.pk]}
        [warning] = self.check(ops, **where)["warnings"]
        assert "overlaps with Depot (storage)" in warning
        assert self.check(ops, of=location, **where)["warnings"] == []

    def test_only_those_who_may_save_are_told(self, ops: Client, client: Client) -> None:
        url = reverse("admin:locations_storagelocation_check_fence")
        assert ops.get(url).status_code == 405
        client.force_login(UserFactory(is_staff=True))
        assert client.post(url, {}).status_code == 403
