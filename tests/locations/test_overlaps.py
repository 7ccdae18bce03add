"""What is told to somebody who draws a fence over others."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.gis.geos import Point

from clients.models import ProductionRun
from locations import fences, overlaps
from locations.models import Location
from locations.overlaps import Overlapping
from locations.services import locations
from tests.factories import DeliveryFactory, RunFactory, StorageFactory
from tests.locations.given_areas import FIJI, box, polygon

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 10, tzinfo=UTC)


@pytest.fixture
def run() -> ProductionRun:
    return RunFactory()


def names(run: ProductionRun, own: Location | None = None, **given: Any) -> list[str]:
    radius_m = given.setdefault("radius_m", 100)
    fence = fences.settle(**{"center": None} | given)
    found = overlaps.overlapping(
        fence, radius_m=radius_m, run_ids=[run.pk], own_id=own.pk if own else None, now=NOW
    )
    return [each.name for each in found]


def test_circles_overlap_where_their_radii_reach(run: ProductionRun) -> None:
    depot = StorageFactory(name="Depot", runs=[run], center=Point(5, 52), radius_m=500)
    east = Point(5.0145, 52)  # 996 m away
    assert names(run, center=east, radius_m=500) == ["Depot"]
    assert names(run, center=east, radius_m=490) == []
    assert names(run, depot, center=east, radius_m=500) == []


def test_areas_overlap_over_the_date_line(run: ProductionRun) -> None:
    values = {"kind": "STORAGE", "runs": [run], "confirm_large": True, "actor": None}
    locations.add_location(name="Lot", area=polygon(FIJI), **values)
    assert names(run, area=polygon(box(-179.95, -18.6, -179.9, -18.55))) == ["Lot"]
    assert names(run, area=polygon(box(-179.89, -18.6, -179.85, -18.55))) == []
    assert names(run, center=Point(-179.9, -18.6)) == ["Lot"]
    assert names(run, center=Point(179.5, -18.6)) == []


def test_only_what_is_active_in_the_same_runs_counts(run: ProductionRun) -> None:
    where = {"center": Point(5, 52)}
    StorageFactory(name="Ended", runs=[run], active_until=NOW, active_from=None, **where)
    StorageFactory(name="Elsewhere", runs=[RunFactory()], **where)
    StorageFactory(name="Unused", **where)
    StorageFactory(name="Later", runs=[run], active_from=NOW + timedelta(days=1), **where)
    assert names(run, **where) == ["Later"]


def test_nearest_are_named_and_the_rest_is_told(run: ProductionRun) -> None:
    for number in range(8):
        DeliveryFactory(name=f"Shop {number}", runs=[run], center=Point(5 + number / 10_000, 52))
    found = names(run, center=Point(5, 52))
    assert found == [f"Shop {number}" for number in range(6)]


def test_warning_is_in_plain_words() -> None:
    depot, shop = Overlapping("Depot", "STORAGE"), Overlapping("Shop", "DELIVERY")
    assert overlaps.warning([]) == ""
    assert overlaps.warning([depot]).startswith("This fence overlaps with Depot (storage) of its runs.")
    assert "Depot (storage) and Shop (delivery) of its runs" in overlaps.warning([depot, shop])
    assert "Shop (delivery) and others of its runs" in overlaps.warning([depot, *[shop] * 5])
