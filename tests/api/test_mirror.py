"""A program that follows the trackers and reads again what it is told of has in the end exactly what is stored."""

import re
from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from django.contrib.gis.geos import Point
from django.db.models import Count
from rest_framework.test import APIClient

from tests import factories
from tests.api.following import settle
from tests.factories import NOW
from tests.personas import make_member, make_token
from tests.trackers.reports import LATITUDE, incoming, longitude_at
from trackers.models import GeofenceEvent, LocationReport, StatusChange, Tracker
from trackers.services import assigning
from trackers.services.changes import locations, runs
from trackers.services.recomputation import jobs
from trackers.services.reports.recording import record_reports

pytestmark = pytest.mark.django_db(transaction=True)

HOUR = timedelta(hours=1)
ROOT = Path(__file__).resolve().parents[2]
SPOTS_M = (0, 40, 260, 500, 520, 3_000)
REPORTS = 36


class Mirror:
    """The program of docs/api.md, with this test's client instead of a connection, and small pages."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.program: dict[str, Any] = {}
        exec(example(), self.program)  # noqa: S102
        self.program |= {"get": self.get, "START": self.program["START"] + "&page_size=2"}
        self.copy: dict[str, Any] = {}

    def get(self, url: str) -> Any:
        response = self.client.get(url)
        assert response.status_code == 200, response.content
        return response.json()

    def catch_up(self) -> None:
        self.copy = self.program["catch_up"](self.copy)

    def begun_today(self) -> dict[str, Any]:
        """What who begins today has, but for where it goes on."""
        return self.program["catch_up"]({}) | {"next": self.copy["next"]}


def example() -> str:
    """The program of docs/api.md."""
    (found,) = re.findall(r"^```python\n(.*?)^```$", (ROOT / "docs/api.md").read_text(), re.M | re.S)
    return found


@pytest.fixture(autouse=True)
def _unhurried(monkeypatch):
    monkeypatch.setattr("rest_framework.throttling.SimpleRateThrottle.allow_request", lambda *_: True)


@pytest.fixture
def scene(transactional_db):
    """Two clients with a run each; Alpha's has a depot and a customer."""
    dates = {"start_date": date(2026, 1, 1), "end_date": date(2026, 12, 31)}
    alpha, beta = factories.RunFactory(**dates), factories.RunFactory(**dates)
    depot = factories.StorageFactory(center=Point(longitude_at(0), LATITUDE), runs=[alpha, beta])
    customer = factories.DeliveryFactory(center=Point(longitude_at(500), LATITUDE), runs=[alpha])
    trackers = [factories.AssignmentFactory(run=alpha).tracker for _ in range(3)]
    return alpha, beta, depot, customer, trackers


def signed_in(user):
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Token {make_token(user)}")
    return client


def journeys(chance: Random, trackers: list[Tracker]) -> list[list[Any]]:
    """Reports of all trackers, most of them about in order and some very late, in the batches in which they arrive."""
    made = []
    for tracker in trackers:
        spot = 0
        for hour in range(REPORTS):
            spot = chance.choice((spot, spot, spot, chance.randrange(len(SPOTS_M))))
            report = incoming(
                tracker.pk,
                NOW + hour * HOUR,
                number=hour,
                east_m=SPOTS_M[spot],
                accuracy_m=chance.choice((10.0, 20.0, 20.0, 800.0)),
            )
            made.append((hour + chance.choice((0, 0, 0, 3, 12, 40)), chance.random(), report))
    made.sort(key=lambda row: row[:2])
    return [[report for *_, report in made[start : start + 9]] for start in range(0, len(made), 9)]


def store_is_told(mirror: Mirror, user: Any) -> None:
    """As many rows as the user may see, so that both ways of reading can't forget the same ones."""
    seen = set(Tracker.objects.visible_to(user).values_list("mac", flat=True))
    assert set(mirror.copy["trackers"]) == seen
    for name, model in (("reports", LocationReport), ("events", GeofenceEvent), ("history", StatusChange)):
        visible = model.objects.visible_to(user).order_by().values("tracker__mac").annotate(number=Count("*"))
        stored = dict(visible.values_list("tracker__mac", "number"))
        assert {mac: len(rows) for mac, rows in mirror.copy[name].items() if rows} == stored, name


@pytest.mark.parametrize("seed", range(3))
def test_mirrors_have_in_the_end_what_is_stored(scene, seed):
    alpha, beta, depot, customer, trackers = scene
    chance = Random(seed)
    users = {
        "alpha": make_member(alpha.brand.client, "VIEWER"),
        "beta": make_member(beta.brand.client, "VIEWER"),
        "staff": factories.StaffFactory(),
    }
    mirrors = {name: Mirror(signed_in(user)) for name, user in users.items()}
    moved = trackers[0]
    latest = NOW + 3 * REPORTS * HOUR
    batches = journeys(chance, trackers)
    happenings = {
        3: lambda: locations.change_location(location=depot, actor=None, now=latest, radius_m=300),
        5: lambda: assigning.release(tracker_ids=[moved.pk], at=NOW + 20 * HOUR, now=latest),
        6: lambda: assigning.assign(tracker_ids=[moved.pk], run=beta, start=NOW + 21 * HOUR, now=latest),
        7: lambda: runs.change_run(run=alpha, actor=None, now=latest, max_accuracy_m=15),
        8: lambda: locations.change_location(
            location=customer, actor=None, now=latest, name="Elsewhere", radius_m=30
        ),
        9: lambda: locations.change_location(location=depot, actor=None, now=latest, runs=[alpha]),
    }
    for number, batch in enumerate(batches):
        happenings.get(number, lambda: None)()
        if number in happenings and chance.random() < 0.7:
            jobs.work_off(clock=lambda: latest, time_budget_s=60)
        record_reports(batch, now=latest)
        for mirror in mirrors.values():
            if chance.random() < 0.5:
                mirror.catch_up()
    jobs.work_off(clock=lambda: latest, time_budget_s=60)
    settle()
    for name, mirror in mirrors.items():
        mirror.catch_up()
        assert mirror.copy == mirror.begun_today(), name
        store_is_told(mirror, users[name])
    alpha_s, beta_s = mirrors["alpha"].copy, mirrors["beta"].copy
    assert moved.mac not in alpha_s["trackers"]
    assert alpha_s["reports"][moved.mac]
    assert moved.mac in beta_s["trackers"]
    assert any(row["retracted_at"] for rows in alpha_s["events"].values() for row in rows)
