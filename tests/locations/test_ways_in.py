"""Form, API and `replay` answer alike to what is given as a fence."""

import json
from typing import Any, NamedTuple

import pytest
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from locations.models import Location
from tests.factories import AdminFactory, UserFactory
from tests.locations.given_areas import REFUSED, SQUARE, TAKEN, Given, box, polygon, published
from tests.trackers.replays import ROAD, changed, replay

pytestmark = pytest.mark.django_db

EVERY = [*published(), *TAKEN, *REFUSED]
# What no value in Python stands for.
TEXTS = [
    ("[" * 100_000 + "]" * 100_000, "nested too deeply"),
    ('{"type": "Polygon", "coordinates": ' + "[" * 100_000 + "]" * 100_000 + "}", "nested too deeply"),
    ('{"type": "Polygon", "coordinates": [[[NaN, 1], [2, 1], [2, 2], [NaN, 1]]]}', ""),
    ('{"type": "Polygon", "coordinates": [[[-Infinity, 1], [2, 1], [2, 2], [1, 1]]]}', ""),
    ('{"type": "Polygon", "coordinates": [[[1e400, 1], [2, 1], [2, 2], [1e400, 1]]]}', ""),
    ('{"type": "Polygon", "coordinates": [[[' + "9" * 5_000 + ", 1], [2, 1], [2, 2], [1, 1]]]}", ""),
    ('{"type": "Polygon", "type": "Polygon", "coordinates": [[[1, 1], [2, 1], [2, 2], [1, 1]]]}', "twice"),
    ('{"type": "Polygon", "coordinates": [[[1, 1], [2, 1], [2, 2], [1, 1]]}', ""),
]


class Answer(NamedTuple):
    """at: the field that is refused, empty if none is."""

    at: str
    said: str = ""


class Ways:
    def __init__(self) -> None:
        staff = AdminFactory()
        self.ops, self.api = Client(), APIClient()
        self.ops.force_login(staff)
        self.api.force_authenticate(staff)

    def form(self, area: str, center: tuple[float, float] | None = None) -> Answer:
        lon, lat = center or ("", "")
        values = {"name": "Yard", "address": "", "radius_m": 100, "lat": lat, "lon": lon, "area": area}
        response = self.ops.post(reverse("admin:locations_storagelocation_add"), values | {"confirmed": "1"})
        if response.status_code == 302:
            return Answer("")
        [(at, said)] = response.context["adminform"].form.errors.items()
        return Answer({"lat": "center"}.get(at, at), " ".join(said))

    def post(self, area: str, center: tuple[float, float] | None = None) -> Answer:
        at = {"latitude": center[1], "longitude": center[0]} if center else None
        head = json.dumps(
            {"name": "Yard", "kind": "STORAGE", "confirm_large": True} | ({"center": at} if at else {})
        )
        response = self.api.generic(
            "POST", "/api/v1/locations/", f'{head[:-1]}, "area": {area}}}', "application/json"
        )
        if response.status_code == 201:
            return Answer("")
        assert response.status_code == 400, response.content
        [(field, said)] = response.json()["errors"].items()
        return Answer(field.partition(".")[0], said[0])

    def replay(self, area: str, center: tuple[float, float] | None = None) -> Answer:
        world = changed("locations/0/area", "AREA")
        del world["locations"][0]["lat"], world["locations"][0]["lon"]
        world["locations"][0] |= {"lon": center[0], "lat": center[1]} if center else {}
        code, out, err = replay(json.dumps(world).replace('"AREA"', area).encode())
        if not code:
            return Answer("")
        assert (code, out, err.count("\n")) == (2, "", 1)
        at = err.partition("`locations[0].")[2].partition("`")[0]
        return Answer({"lat": "center"}.get(at, at.partition(".")[0]), err)


@pytest.fixture
def ways() -> Ways:
    return Ways()


@pytest.mark.parametrize("given", EVERY, ids=[each.name for each in EVERY])
def test_all_answer_alike(ways: Ways, given: Given) -> None:
    text = json.dumps(given.area)
    answers = [way(text, given.center) for way in (ways.form, ways.post, ways.replay)]
    expected = given.at if given.says else ""
    assert [answer.at for answer in answers] == [expected] * 3, answers
    assert all(given.says in answer.said for answer in answers), answers
    stored = list(Location.objects.order_by("pk"))
    assert len(stored) == (0 if given.says else 2)
    if stored:
        form, api = stored
        assert (form.area.coords, form.center.coords) == (api.area.coords, api.center.coords)


@pytest.mark.parametrize(("text", "says"), TEXTS)
def test_text_that_is_no_area_is_refused_by_its_field(ways: Ways, text: str, says: str) -> None:
    """JSON that is broken is none of a field in the API, which can't know where the field ends."""
    form, replayed = ways.form(text), ways.replay(text)
    assert form.at == "area"
    assert "locations[0].area" in replayed.said
    assert says in form.said
    response = ways.api.generic(
        "POST",
        "/api/v1/locations/",
        f'{{"name": "Y", "kind": "STORAGE", "area": {text}}}',
        "application/json",
    )
    assert response.status_code == 400
    if text.count("[") == text.count("]"):
        assert [name.partition(".")[0] for name in response.json()["errors"]] == ["area"]
    assert not Location.objects.exists()


class TestSize:
    LARGE = box(5, 52, 5.08, 52.06)

    def test_form_asks_and_saves_what_is_confirmed(self, ways: Ways) -> None:
        form = {"name": "Yard", "address": "", "radius_m": 100, "lat": "", "lon": ""}
        form |= {"area": json.dumps(polygon(self.LARGE))}
        url = reverse("admin:locations_storagelocation_add")
        page = ways.ops.post(url, form)
        assert page.context["question"] == "The area is 37 km². Is it meant to be so large?"
        assert "Yes, save it" in page.content.decode()
        assert not Location.objects.exists()
        assert ways.ops.post(url, dict(page.context["fields"]) | {"confirmed": "1"}).status_code == 302
        location = Location.objects.get()
        change = reverse("admin:locations_storagelocation_change", args=[location.pk])
        shown = ways.ops.get(change).context["adminform"].form.initial
        again = form | {name: shown[name] for name in ("lat", "lon", "area")} | {"name": "Port"}
        assert ways.ops.post(change, again).status_code == 302
        assert Location.objects.get().name == "Port"

    def test_api_wants_it_confirmed(self, ways: Ways) -> None:
        body = {"name": "Yard", "kind": "STORAGE", "area": polygon(self.LARGE)}
        refused = ways.api.post("/api/v1/locations/", body)
        assert (refused.status_code, list(refused.json()["errors"])) == (400, ["area"])
        assert "37 km²" in refused.json()["errors"]["area"][0]
        assert ways.api.post("/api/v1/locations/", body | {"confirm_large": True}).status_code == 201
        path = f"/api/v1/locations/{Location.objects.get().pk}/"
        assert ways.api.patch(path, {"name": "Port"}).status_code == 200
        assert ways.api.patch(path, {"area": polygon(self.LARGE)}).status_code == 200
        assert ways.api.patch(path, {"area": polygon(box(5, 52, 5.09, 52.06))}).status_code == 400

    def test_replay_warns(self) -> None:
        world = changed("locations/0/area", polygon(box(4.9, 51.9, 5.2, 52.1)))
        code, out, err = replay(world)
        assert (code, err) == (0, "")
        [warning] = json.loads(out)["warnings"]
        assert warning.endswith("Is it meant to be so large? - at `locations[0].area`")
        world = changed("locations/0/area", polygon(SQUARE))
        world["locations"][0] |= ROAD
        assert "warnings" not in json.loads(replay(world)[1])


class TestApi:
    def test_circle_is_added_and_changed(self, ways: Ways) -> None:
        body = {
            "name": "Shop",
            "kind": "DELIVERY",
            "address": "Road 1",
            "center": {"latitude": 52, "longitude": 180.1},
            "radius_m": 80,
            "active_from": "2026-03-01T00:00:00Z",
        }
        added = ways.api.post("/api/v1/locations/", body)
        assert added.status_code == 201
        shop = added.json()
        assert (shop["center"], shop["radius_m"], shop["area"]) == (
            {"latitude": 52, "longitude": -179.9},
            80,
            None,
        )
        path = f"/api/v1/locations/{shop['id']}/"
        changed = ways.api.patch(path, {"radius_m": 90}).json()
        assert (changed["radius_m"], changed["name"], changed["active_from"]) == (
            90,
            "Shop",
            shop["active_from"],
        )
        assert ways.api.get(path).json() == changed
        unchanged = ways.api.patch(path, {}).json()
        assert unchanged | {"updated_at": changed["updated_at"]} == changed

    def test_area_is_answered_in_parts_that_can_be_sent_back(self, ways: Ways) -> None:
        [hexagon, *_] = [each for each in published() if "hexagon" in each.name]
        body = {"name": "Lot", "kind": "STORAGE", "confirm_large": True, "area": hexagon.area}
        lot = ways.api.post("/api/v1/locations/", body).json()
        assert lot["area"]["type"] == "MultiPolygon"
        before = Location.objects.get().area
        again = ways.api.patch(
            f"/api/v1/locations/{lot['id']}/", {"area": lot["area"], "confirm_large": True}
        )
        assert again.status_code == 200
        after = Location.objects.get().area
        assert after.num_points == before.num_points
        assert again.json()["area"]["type"] == "MultiPolygon"

    @pytest.mark.parametrize(
        ("member", "value"),
        [
            ("center", {"latitude": "52", "longitude": 5}),
            ("center", {"latitude": True, "longitude": 5}),
            ("center", {"latitude": 91, "longitude": 5}),
            ("center", {"latitude": 10**400, "longitude": 5}),
            ("center", {"latitude": 0, "longitude": 0}),
            ("center", {"latitude": 52}),
            ("center", [5, 52]),
            ("center", None),
            ("radius_m", "100"),
            ("radius_m", 0),
            ("radius_m", 100_001),
            ("radius_m", None),
            ("kind", "SHOP"),
            ("name", ""),
            ("name", "x" * 201),
            ("name", "nul\x00"),
            ("runs", [0]),
            ("runs", ["1"]),
            ("runs", 1),
            ("confirm_large", "yes"),
            ("free_time_h", -1),
            ("active_until", "2026-01-01T00:00:00Z"),
        ],
    )
    def test_what_can_not_be_is_refused_by_its_field(self, ways: Ways, member: str, value: Any) -> None:
        body = {"name": "Shop", "kind": "DELIVERY", "center": {"latitude": 52, "longitude": 5}}
        body |= {"active_from": "2026-03-01T00:00:00Z", member: value}
        response = ways.api.post("/api/v1/locations/", body)
        assert response.status_code == 400
        assert list(response.json()["errors"]) == [member]
        assert not Location.objects.exists()

    def test_only_staff_with_the_permission_write(self, ways: Ways) -> None:
        body = {"name": "Shop", "kind": "DELIVERY", "center": {"latitude": 52, "longitude": 5}}
        shop = ways.api.post("/api/v1/locations/", body).json()
        for user in (UserFactory(), UserFactory(is_staff=True)):
            api = APIClient()
            api.force_authenticate(user)
            assert api.post("/api/v1/locations/", body).status_code == 403
            answer = api.patch(f"/api/v1/locations/{shop['id']}/", {"radius_m": 5})
            assert answer.status_code == (403 if user.is_staff else 404)
        assert Location.objects.get().radius_m == 100
