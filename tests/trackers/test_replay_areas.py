"""Worlds whose locations have areas: on both sides of the date line, and with latitude and longitude swapped."""

import json
from typing import Any

import pytest

from tests.locations.given_areas import FIJI, box, polygon
from tests.trackers.replays import replay

pytestmark = pytest.mark.django_db
MAC = "E2:7B:7C:0B:3A:2F"
LOT = [
    [-75.81614, 9.19353],
    [-75.8158, 9.19355],
    [-75.81575, 9.19208],
    [-75.81609, 9.19208],
    [-75.81614, 9.19353],
]


def world(*locations: dict[str, Any], seen: list[tuple[float, float]]) -> dict[str, Any]:
    """seen: (latitude, longitude), an hour apart."""
    return {
        "runs": [{"name": "R", "start_date": "2026-03-01", "end_date": "2026-03-31"}],
        "locations": list(locations),
        "trackers": [{"mac": MAC, "from": "2026-03-01"}],
        "reports": [
            {
                "mac": MAC,
                "seen_at": f"2026-03-02T{7 + hour:02}:00:00Z",
                "lat": lat,
                "lon": lon,
                "accuracy_m": 5,
            }
            for hour, (lat, lon) in enumerate(seen)
        ],
    }


def history(given: dict[str, Any]) -> list[tuple[str, str | None]]:
    code, out, err = replay(given)
    assert (code, err) == (0, "")
    return [(row["status"], row["location"]) for row in json.loads(out)["trackers"][MAC]["history"]]


def lot(ring: list[list[float]]) -> dict[str, Any]:
    return {"name": "Lot", "kind": "delivery", "lat": 9.1928, "lon": -75.8159, "area": polygon(ring)}


def test_area_delivers() -> None:
    seen = [(9.2, -75.8159), (9.1928, -75.8159), (9.19, -75.8159)]
    assert history(world(lot(LOT), seen=seen)) == [
        ("IN_TRANSIT", None),
        ("DELIVERED", "Lot"),
        ("IN_TRANSIT", None),
    ]


def test_area_with_its_latitude_first_is_refused_by_name() -> None:
    swapped = [[latitude, longitude] for longitude, latitude in LOT]
    code, out, err = replay(world(lot(swapped), seen=[(9.1928, -75.8159)]))
    assert (code, out) == (2, "")
    assert "Latitude and longitude seem to be swapped" in err
    assert "`locations[0].area`" in err


@pytest.mark.parametrize("turn", [0, 360])
def test_areas_on_the_date_line_are_entered_from_both_sides(turn: int) -> None:
    """The nearer centre of two decides, and both are measured over the line."""
    west = {"name": "West", "kind": "delivery", "area": polygon(box(179.9, -18.7, 180.02, -18.5))}
    east = {
        "name": "East",
        "kind": "storage",
        "area": polygon([[x - turn, y] for x, y in box(180.03, -18.7, 180.2, -18.5)]),
    }
    seen = [(-18.6, 179.95), (-18.6, -179.99), (-18.6, -179.975), (-18.6, -179.9), (-18.6, 179.5)]
    assert history(world(west, east, seen=seen)) == [
        ("DELIVERED", "West"),
        ("IN_TRANSIT", None),
        ("IN_STORAGE", "East"),
        ("IN_TRANSIT", None),
    ]


def test_all_writings_of_one_area_make_one_history() -> None:
    wrapped = [[lon if lon <= 180 else lon - 360, lat] for lon, lat in FIJI]
    halves = {
        "type": "MultiPolygon",
        "coordinates": [[box(179.9, -18.7, 180, -18.5)], [box(-180, -18.7, -179.9, -18.5)]],
    }
    feature = {"type": "Feature", "properties": {}, "geometry": polygon(FIJI)}
    seen = [(-18.6, 179.89), (-18.6, 179.95), (-18.6, -179.95), (-18.51, 180), (-18.49, 180)]
    told = [
        history(world({"name": "Lot", "kind": "storage", "area": area}, seen=seen))
        for area in (
            polygon(FIJI),
            polygon(wrapped),
            halves,
            feature,
            {"type": "FeatureCollection", "features": [feature]},
        )
    ]
    assert told == [[("IN_TRANSIT", None), ("IN_STORAGE", "Lot"), ("IN_TRANSIT", None)]] * 5


def test_circle_needs_its_centre_and_an_area_does_not() -> None:
    for missing in ("lat", "lon"):
        depot = {"name": "Depot", "kind": "storage", "lat": 52, "lon": 5}
        del depot[missing]
        code, _, err = replay(world(depot, seen=[]))
        assert code == 2
        assert f"`{missing}` is missing" in err
        assert "`locations[0]`" in err
        code, _, err = replay(world(depot | {"area": polygon(LOT)}, seen=[]))
        assert code == 2
        assert f"`{missing}` is missing" in err
