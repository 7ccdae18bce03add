"""The admin in a real browser: nothing is loaded from elsewhere, nothing fails, maps draw and fences can be drawn."""

import json
import math
import os
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.contrib import admin
from django.contrib.gis.geos import Point, Polygon
from django.test import RequestFactory
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page

from locations.models import Location
from simulation.geocoder import LocalGeocoder
from tests.admin.worlds import World, build_world
from tests.factories import AdminFactory, RunFactory, StorageFactory

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
CHROMIUM_ARGS = ["--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
# Chromium draws maps in software here.
PATIENCE_MS = 60_000


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict[str, Any]:
    return {"executable_path": "/usr/bin/chromium", "args": CHROMIUM_ARGS}


@pytest.fixture(scope="session")
def base_url() -> None:
    """Ours: the plugin's own is a method, of which pytest warns."""


@pytest.fixture(scope="session", autouse=True)
def _orm_beside_the_browser() -> None:
    """Playwright keeps an event loop in this thread until the session ends; Django would refuse to query in it."""
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"


class Watched:
    """A page and what went wrong in it."""

    def __init__(self, page: Page, server: str) -> None:
        self.page, self.server = page, server
        self.faults: list[str] = []
        page.set_default_timeout(PATIENCE_MS)
        page.on("request", self._request)
        page.on("response", lambda answer: self._fault(answer.status >= 400, f"{answer.status} {answer.url}"))
        page.on("console", lambda message: self._fault(message.type == "error", message.text))
        page.on("pageerror", lambda error: self.faults.append(str(error)))

    def _request(self, request: Any) -> None:
        address = urlsplit(request.url)
        foreign = address.scheme not in {"data", "blob"} and address.netloc != urlsplit(self.server).netloc
        self._fault(foreign, f"foreign request: {request.url}")

    def _fault(self, is_one: bool, text: str) -> None:
        if is_one:
            self.faults.append(f"{text} (on {self.page.url})")

    def visit(self, path: str) -> None:
        self.page.goto(f"{self.server}{path}", wait_until="load")
        if self.page.query_selector("[data-map]"):
            self.page.wait_for_selector("body[data-map-ready]", state="attached")


@pytest.fixture
def world(transactional_db: Any) -> World:
    return build_world(now=timezone.now())


@pytest.fixture
def watched(page: Page, live_server: Any, transactional_db: Any) -> Watched:
    user = AdminFactory(username="ops")
    user.set_password("seen in passing")
    user.save()
    watched = Watched(page, live_server.url)
    watched.visit(reverse("admin:login"))
    page.fill("#id_username", "ops")
    page.fill("#id_password", "seen in passing")
    page.click("button[type=submit]")
    page.wait_for_url(f"{live_server.url}{reverse('admin:index')}")
    return watched


def test_every_page_loads_from_here_only(watched: Watched, world: World) -> None:
    for path in [reverse("admin:index"), *_lists_and_forms()]:
        watched.visit(path)
    tracker, storage = world.trackers[0].pk, world.storage.pk
    watched.visit(reverse("admin:trackers_tracker_change", args=[tracker]))
    watched.visit(reverse("admin:trackers_tracker_do", args=[tracker, "assign"]))
    watched.visit(reverse("admin:locations_storagelocation_change", args=[storage]))
    watched.visit(reverse("admin:locations_deliverylocation_change", args=[world.delivery.pk]))
    assert watched.faults == []


def test_fits_a_phone(watched: Watched, world: World) -> None:
    watched.page.set_viewport_size({"width": 390, "height": 844})
    tracker = reverse("admin:trackers_tracker_change", args=[world.trackers[0].pk])
    for path in (reverse("admin:index"), tracker, reverse("admin:locations_storagelocation_add")):
        watched.visit(path)
        assert watched.page.evaluate("document.documentElement.scrollWidth") <= 390, path


def test_draws_a_circle_and_saves_it(watched: Watched) -> None:
    page = watched.page
    watched.visit(reverse("admin:locations_storagelocation_add"))
    page.locator("[data-map] canvas").click(position={"x": 200, "y": 150})
    page.wait_for_function("document.getElementById('id_lat').value !== ''")
    page.fill("#id_radius_m", "250")
    page.fill("#id_name", "Drawn depot")
    longitude = float(page.input_value("#id_lon"))
    page.click("button[name=_save]")
    page.wait_for_url(f"{watched.server}{reverse('admin:locations_storagelocation_changelist')}")
    drawn = Location.objects.get(name="Drawn depot")
    assert (drawn.radius_m, drawn.kind, drawn.area) == (250, "STORAGE", None)
    assert drawn.center.x == pytest.approx(longitude)
    assert watched.faults == []


def test_finds_an_address_and_saves_it(watched: Watched, settings: Any) -> None:
    """By keyboard alone; the area that was drawn before gives way, and can be had again."""
    page = watched.page
    storage = StorageFactory(area=Polygon(((4, 52), (5, 52), (5, 53), (4, 52))))
    with LocalGeocoder() as local:
        settings.GEOCODERS, settings.GEOCODER_URLS = ["nominatim"], [f"nominatim={local.url('nominatim')}"]
        watched.visit(reverse("admin:locations_storagelocation_change", args=[storage.pk]))
        page.focus("#glimpse-address-text")
        page.keyboard.type("rathausplatz hamburg")
        page.keyboard.press("Enter")
        page.wait_for_selector(".glimpse-choice")
        assert page.inner_text("[data-said]") == "1 place found: choose one."
        assert page.inner_text("[data-credit]") == "© OpenStreetMap contributors"
        page.keyboard.press("Tab")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
    assert [page.input_value(f"#id_{name}") for name in ("lat", "lon", "area")] == [
        "53.550300",
        "9.993700",
        "",
    ]
    page.click("button[name=_save]")
    page.wait_for_url(f"{watched.server}{reverse('admin:locations_storagelocation_changelist')}")
    storage.refresh_from_db()
    assert (storage.center.coords, storage.area) == ((9.9937, 53.5503), None)
    assert storage.address == "Rathausplatz 1, 20095 Hamburg, Germany"
    assert watched.faults == []


def test_draws_an_area_over_the_date_line_and_saves_it(watched: Watched) -> None:
    """What is typed shows the way there; the corners lie on both sides, and can be moved after the save."""
    page = watched.page
    run = RunFactory()
    depot = StorageFactory(name="Depot", runs=[run], center=Point(-179.9999, -18.6), radius_m=150)
    watched.visit(reverse("admin:locations_deliverylocation_add"))
    for name, value in {"lat": "-18.6", "lon": "179.9999", "radius_m": "300", "name": "Lot"}.items():
        page.fill(f"#id_{name}", value)
    page.evaluate(
        "([id, name]) => { const runs = document.getElementById('id_runs');"
        " runs.append(new Option(name, id, true, true)); runs.dispatchEvent(new Event('change')); }",
        [run.pk, run.name],
    )
    page.click("[data-action=fit]")
    page.click("[data-action=area]")
    middle = page.locator("[data-map] canvas").bounding_box()
    assert middle
    x, y = middle["x"] + middle["width"] / 2, middle["y"] + middle["height"] / 2
    for east, south in ((-80, -60), (80, -60), (80, 60), (-80, 60)):
        page.mouse.move(x + east, y + south, steps=3)
        page.mouse.click(x + east, y + south)
    page.mouse.move(x - 80, y + 50, steps=3)
    assert page.inner_text("[data-size]").startswith("Size: 0.")
    page.keyboard.press("Enter")
    page.wait_for_function("document.getElementById('id_area').value !== ''")
    drawn = json.loads(page.input_value("#id_area"))["coordinates"][0]
    assert min(lon for lon, _ in drawn) < 180 < max(lon for lon, _ in drawn) or min(
        lon for lon, _ in drawn
    ) < -180 < max(lon for lon, _ in drawn)
    assert page.inner_text("[data-size]").startswith("Size: 0.")
    page.wait_for_selector("[data-notes] li")
    assert "overlaps with Depot (storage)" in page.inner_text("[data-notes]")
    page.click("button[name=_save]")
    page.wait_for_url(f"{watched.server}{reverse('admin:locations_deliverylocation_changelist')}")
    lot = Location.objects.exclude(pk=depot.pk).get()
    assert lot.area
    west, _, east, _ = lot.area.extent
    assert east - west > 359
    assert abs(lot.center.x) == pytest.approx(180, abs=0.01)
    watched.visit(reverse("admin:locations_deliverylocation_change", args=[lot.pk]))
    assert page.input_value("#id_lat").startswith("-18.6")
    assert "Drag a corner" in page.inner_text("[data-hint]")
    before = page.input_value("#id_area")
    x, y = _corner_on_screen(page)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 20, y + 10, steps=5)
    page.mouse.up()
    page.wait_for_function("before => document.getElementById('id_area').value !== before", arg=before)
    assert watched.faults == []


def _corner_on_screen(page: Page) -> tuple[float, float]:
    """Where the first corner of the area is drawn: the map shows all of it in its middle, 56 pixels from the edge."""
    ring = json.loads(page.input_value("#id_area"))["coordinates"][0]
    canvas = page.locator("[data-map] canvas").bounding_box()
    assert canvas
    longitudes, latitudes = [[place[axis] for place in ring] for axis in (0, 1)]
    wide, high = max(longitudes) - min(longitudes), max(latitudes) - min(latitudes)
    stretch = 1 / math.cos(math.radians(latitudes[0]))
    scale = min((canvas["width"] - 112) / wide, (canvas["height"] - 112) / (high * stretch))
    east = ring[0][0] - (max(longitudes) + min(longitudes)) / 2
    south = (max(latitudes) + min(latitudes)) / 2 - ring[0][1]
    return (
        canvas["x"] + canvas["width"] / 2 + east * scale,
        canvas["y"] + canvas["height"] / 2 + south * stretch * scale,
    )


def test_first_click_brings_the_map_nearer(watched: Watched) -> None:
    page = watched.page
    watched.visit(reverse("admin:locations_storagelocation_add"))
    assert _scale_m(page) > 100_000
    page.locator("[data-map] canvas").click(position={"x": 200, "y": 150})
    page.wait_for_function("document.getElementById('id_lat').value !== ''")
    assert _scale_m(page) < 500


def test_first_corner_brings_the_map_nearer_and_stays_in_its_middle(watched: Watched) -> None:
    page = watched.page
    watched.visit(reverse("admin:locations_storagelocation_add"))
    page.click("[data-action=area]")
    canvas = page.locator("[data-map] canvas").bounding_box()
    assert canvas
    page.mouse.click(canvas["x"] + 201.3, canvas["y"] + 150.7)
    page.wait_for_timeout(500)
    assert _scale_m(page) < 500
    x, y = canvas["x"] + canvas["width"] / 2, canvas["y"] + canvas["height"] / 2
    for east, south in ((100, 0), (100, 100), (0, 100)):
        page.mouse.move(x + east, y + south, steps=3)
        page.mouse.click(x + east, y + south)
    page.keyboard.press("Enter")
    page.wait_for_function("document.getElementById('id_area').value !== ''")
    ring = json.loads(page.input_value("#id_area"))["coordinates"][0]
    assert len(ring) == 5
    west, east = min(lon for lon, _ in ring), max(lon for lon, _ in ring)
    assert east - west == pytest.approx(100 * 360 / (512 * 2**15), rel=0.02)
    assert watched.faults == []


def test_says_that_latitude_and_longitude_are_swapped(watched: Watched) -> None:
    """A pasted area must not take the right centre away with it."""
    page = watched.page
    watched.visit(reverse("admin:locations_storagelocation_add"))
    page.fill("#id_lat", "9.1928")
    page.fill("#id_lon", "-75.8159")
    page.evaluate("document.querySelector('#id_area').closest('details')?.setAttribute('open', '')")
    ring = [[9.19353, -75.81614], [9.19355, -75.8158], [9.19208, -75.81575], [9.19353, -75.81614]]
    page.evaluate(
        "text => { const area = document.getElementById('id_area'); area.value = text;"
        " area.dispatchEvent(new Event('input', {bubbles: true})); }",
        json.dumps({"type": "Polygon", "coordinates": [ring]}),
    )
    assert "seem to be swapped" in page.inner_text("[data-hint]")
    assert page.input_value("#id_lat") == "9.1928"
    page.wait_for_selector("[data-notes] li")
    assert "seem to be swapped" in page.inner_text("[data-notes]")
    assert watched.faults == []


def _scale_m(page: Page) -> float:
    number, unit = page.inner_text(".maplibregl-ctrl-scale").replace("\xa0", " ").split()
    return float(number) * {"m": 1, "km": 1_000}[unit]


def _lists_and_forms() -> list[str]:
    request = RequestFactory().get("/")
    request.user = AdminFactory.build()
    paths = []
    for model, model_admin in admin.site._registry.items():
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        paths.append(reverse(f"{name}_changelist"))
        if model_admin.has_add_permission(request):
            paths.append(reverse(f"{name}_add"))
    return paths
