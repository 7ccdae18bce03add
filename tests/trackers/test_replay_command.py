"""`manage.py replay`: its output, its options, and that it leaves nothing behind."""

import copy
import io
import json

import pytest
from django.core.management import call_command

from locations.models import Location
from tests.factories import LocationFactory, RunFactory, TrackerFactory
from tests.trackers.replays import (
    DEPOT,
    MAC,
    OTHER_MAC,
    ROAD,
    SHOP,
    SQUARE,
    WORLD,
    changed,
    replay,
    rows,
    seen,
)
from trackers.models import LocationReport, Tracker
from trackers.replay.world import in_order, parse_world, with_late

pytestmark = pytest.mark.django_db


def result(world, *options):
    code, out, err = replay(world, *options)
    assert (code, err) == (0, "")
    return json.loads(out)


class TestOutput:
    def test_output_is_what_the_format_says(self):
        assert result(WORLD) == {
            "trackers": {
                MAC: {
                    "status": "DELIVERED",
                    "location": "Shop",
                    "history": [
                        {
                            "status": "IN_STORAGE",
                            "location": "Depot",
                            "started_at": "2026-03-10T08:00:00Z",
                            "ended_at": "2026-03-10T10:00:00Z",
                        },
                        {
                            "status": "IN_TRANSIT",
                            "location": None,
                            "started_at": "2026-03-10T10:00:00Z",
                            "ended_at": "2026-03-10T12:00:00Z",
                        },
                        {
                            "status": "DELIVERED",
                            "location": "Shop",
                            "started_at": "2026-03-10T12:00:00Z",
                            "ended_at": "2026-03-20T00:00:00Z",
                        },
                    ],
                    "events": [
                        {"type": "ENTRY", "location": "Depot", "occurred_at": "2026-03-10T08:00:00Z"},
                        {"type": "EXIT", "location": "Depot", "occurred_at": "2026-03-10T10:00:00Z"},
                        {"type": "TRANSIT", "location": None, "occurred_at": "2026-03-10T11:00:00Z"},
                        {"type": "ENTRY", "location": "Shop", "occurred_at": "2026-03-10T12:00:00Z"},
                    ],
                },
                OTHER_MAC: {
                    "status": "IN_TRANSIT",
                    "location": None,
                    "history": [
                        {
                            "status": "IN_TRANSIT",
                            "location": None,
                            "started_at": "2026-03-10T12:00:00Z",
                            "ended_at": None,
                        }
                    ],
                    "events": [{"type": "TRANSIT", "location": None, "occurred_at": "2026-03-10T12:00:00Z"}],
                },
            },
            "reports": {"stored": 6, "duplicates": 1, "rejected": 0},
        }

    def test_empty_world_is_a_world(self):
        nothing = {"runs": [], "locations": [], "trackers": [], "reports": []}
        assert result(nothing) == {
            "trackers": {},
            "reports": {"stored": 0, "duplicates": 0, "rejected": 0},
        }

    def test_tracker_without_reports_is_created(self):
        told = result(changed("reports", []))["trackers"][MAC]
        assert told == {"status": "CREATED", "location": None, "history": [], "events": []}

    def test_optional_fields_may_be_left_out_or_null(self):
        world = {
            "runs": [{"name": "Only", "start_date": "2026-03-01", "end_date": "2026-03-31"}],
            "locations": [
                {"name": "Depot", "kind": "storage", **DEPOT, "radius_m": 100},
                {"name": "Shop", "kind": "delivery", **SHOP, "runs": None, "area": None, "active_from": None},
            ],
            "trackers": [{"mac": MAC, "run": None, "from": "2026-03-01", "to": None}],
            "reports": [seen(8, DEPOT), seen(9, SHOP, accuracy_m=None, confidence=None)],
        }
        told = result(world)["trackers"][MAC]
        assert [event["type"] for event in told["events"]] == ["ENTRY", "EXIT", "ENTRY"]
        assert told["history"][-1]["ended_at"] is None

    def test_mac_in_several_periods_gives_one_tracker_whose_last_assignment_counts(self):
        world = changed(
            "trackers",
            [
                {"mac": MAC, "from": "2026-03-10T09:30:00Z"},
                {"mac": MAC.lower().replace(":", "-"), "from": "2026-03-01", "to": "2026-03-10T09:30:00Z"},
            ],
        )
        world["reports"] = [seen(8, DEPOT), seen(10, DEPOT)]
        told = result(world)["trackers"]
        assert list(told) == [MAC]
        assert [
            (row["status"], row["started_at"][11:13], row["ended_at"]) for row in told[MAC]["history"]
        ] == [
            ("IN_STORAGE", "08", "2026-03-10T09:30:00Z"),
            ("IN_STORAGE", "10", None),
        ]
        assert [event["type"] for event in told[MAC]["events"]] == ["ENTRY", "ENTRY"]

    def test_status_is_that_of_the_latest_assignment(self):
        world = changed(
            "trackers",
            [
                {"mac": MAC, "from": "2026-03-01", "to": "2026-03-15"},
                {"mac": MAC, "from": "2026-03-20"},
            ],
        )
        world["reports"] = [seen(8, DEPOT)]
        told = result(world)["trackers"][MAC]
        assert (told["status"], told["location"], len(told["history"])) == ("CREATED", None, 1)

    def test_area_is_geojson_and_counts_in_place_of_the_circle(self):
        world = changed("locations/0/area", {"type": "Polygon", "coordinates": [SQUARE]})
        world["locations"][0] |= ROAD
        events = result(world)["trackers"][MAC]["events"]
        assert [(event["type"], event["location"]) for event in events[:3]] == [
            ("TRANSIT", None),
            ("ENTRY", "Depot"),
            ("DWELL", "Depot"),
        ]

    def test_polygon_over_the_antimeridian(self):
        ring = [[179.838, 66.9494], [-179.8496, 66.9508], [-180.0014, 66.8406], [179.838, 66.9494]]
        world = changed("locations/0/area", {"type": "Polygon", "coordinates": [ring]})
        world["locations"][0] |= {"lat": 66.9, "lon": 180}
        world["reports"] = [
            seen(8, {"lat": 66.9015, "lon": -180.0096}),
            seen(9, {"lat": 66.9015, "lon": 179.991}),
            seen(10, {"lat": 66.8368, "lon": -179.8792}),
        ]
        types = [event["type"] for event in result(world)["trackers"][MAC]["events"]]
        assert types == ["ENTRY", "DWELL", "EXIT"]

    def test_times_are_utc_whatever_zone_they_came_in(self):
        world = changed("reports", [seen(8, ROAD) | {"seen_at": "2026-03-10T13:30:00.250+05:30"}])
        (event,) = result(world)["trackers"][MAC]["events"]
        assert event["occurred_at"] == "2026-03-10T08:00:00.250000Z"

    def test_policy_steers_the_timeline(self):
        hasty = result(changed("runs/0/policy", {}))
        patient = result(changed("runs/0/policy/confirmations", 2))
        strict = result(changed("runs/0/policy/max_accuracy_m", 5))
        assert len(hasty["trackers"][MAC]["history"]) == 3
        assert [row["status"] for row in patient["trackers"][MAC]["history"]] == ["IN_TRANSIT"]
        assert strict["trackers"][MAC]["history"][0]["started_at"] == "2026-03-10T10:00:00Z"

    def test_fence_counts_from_active_from_on(self):
        world = changed("locations/0/active_from", "2026-03-10T08:00:01Z")
        assert result(world)["trackers"][MAC]["events"][0]["type"] == "TRANSIT"

    def test_run_may_last_for_ever(self):
        assert result(changed("runs/0/end_date", "9999-12-31"))["reports"]["rejected"] == 0


class TestOptions:
    @pytest.fixture
    def busy(self):
        """Forty reports between depot, road and shop, three trackers, one that moves on."""
        world = copy.deepcopy(WORLD)
        world["runs"][0]["policy"]["confirmations"] = 2
        world["trackers"] = [
            {"mac": MAC, "from": "2026-03-01", "to": "2026-03-10T12:00:00Z"},
            {"mac": MAC, "from": "2026-03-10T14:00:00Z"},
            {"mac": OTHER_MAC, "from": "2026-03-02"},
        ]
        places = (DEPOT, DEPOT, ROAD, DEPOT, DEPOT, ROAD, ROAD, SHOP, SHOP, SHOP, ROAD, SHOP)
        world["reports"] = [
            seen(hour + 4, places[(hour + shift) % len(places)], mac=mac, accuracy_m=20 + 10 * (hour % 7))
            for shift, mac in ((0, MAC), (5, OTHER_MAC))
            for hour in range(20)
        ]
        return world

    @pytest.mark.parametrize(
        "options",
        [
            ("--order", "file"),
            ("--order", "event"),
            ("--order", "shuffle:1"),
            ("--order=shuffle:two",),
            ("--batch", "1"),
            ("--batch", "7"),
            ("--batch", "100000"),
            ("--late", "0.3:5"),
            ("--late", "0:1"),
            ("--late", "1:1"),
            ("--order", "shuffle:3", "--late", "0.5:9", "--batch", "3"),
        ],
        ids=" ".join,
    )
    def test_order_batches_and_lateness_change_nothing(self, busy, options):
        assert result(busy, *options) == result(busy)

    def test_late_reports_arrive_behind_all_others_in_the_order_of_before(self):
        reports = parse_world(json.dumps(WORLD).encode()).reports
        late = with_late(reports, "0.3:5")
        assert sorted(map(repr, late)) == sorted(map(repr, reports))
        assert late != reports
        assert with_late(reports, "0.3:5") == late
        assert with_late(reports, "0:5") == with_late(reports, "1:5") == reports
        assert (
            in_order(reports, "shuffle:1") == in_order(reports, "shuffle:1") != in_order(reports, "shuffle:2")
        )
        hours = [report.seen_at for report in in_order(reports, "event")]
        assert hours == sorted(hours)

    def test_world_may_come_by_standard_input(self, monkeypatch, capsys):
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(json.dumps(WORLD).encode())))
        call_command("replay", "-")
        assert json.loads(capsys.readouterr().out)["reports"]["stored"] == 6


class TestStore:
    def test_nothing_stays_in_the_database(self):
        RunFactory()
        TrackerFactory(mac=MAC)
        LocationFactory(name="Depot")
        before = rows()
        world = changed("trackers", WORLD["trackers"][1:])
        world["reports"] = WORLD["reports"][-1:]
        assert result(world)["reports"]["stored"] == 1
        assert rows() == before

    def test_what_is_in_the_database_is_no_part_of_the_world(self):
        """A tracker with the same MAC, or a fence at the same place, neither hinders nor shows."""
        TrackerFactory(mac=MAC)
        LocationFactory(name="Elsewhere", center="POINT(5 52)")
        told = result(WORLD)["trackers"][MAC]
        assert told["history"][0]["location"] == "Depot"
        assert Tracker.objects.count() == 1
        assert Location.objects.count() == 1
        assert not LocationReport.objects.exists()
