"""`manage.py replay`: its output, its options, and one line for whatever is wrong with the file."""

import copy
import io
import json
import subprocess
import sys
from pathlib import Path

import pytest
from django.apps import apps
from django.core.management import call_command

from locations.models import Location
from tests.factories import LocationFactory, RunFactory, TrackerFactory
from trackers.models import LocationReport, Tracker

pytestmark = pytest.mark.django_db

ROOT = Path(__file__).parents[2]
MAC = "C0:00:00:00:00:01"
OTHER_MAC = "C0:00:00:00:00:02"
DEPOT = {"lat": 52.0, "lon": 5.0}
ROAD = {"lat": 52.2, "lon": 5.2}
SHOP = {"lat": 52.4, "lon": 5.4}
SQUARE = [[5.19, 52.19], [5.21, 52.19], [5.21, 52.21], [5.19, 52.21], [5.19, 52.19]]


def seen(hour, place, mac=MAC, **others):
    return {"mac": mac, "seen_at": f"2026-03-10T{hour:02}:00:00Z", **place, **others}


WORLD = {
    "runs": [
        {
            "name": "Spring",
            "start_date": "2026-03-01",
            "end_date": "2026-03-31",
            "policy": {"max_accuracy_m": 300, "exit_accuracy_cap_m": 100, "confirmations": 1},
        }
    ],
    "locations": [
        {"name": "Depot", "kind": "storage", **DEPOT, "radius_m": 150, "runs": ["Spring"]},
        {
            "name": "Shop",
            "kind": "delivery",
            **SHOP,
            "radius_m": 100.5,
            "runs": ["Spring"],
            "active_from": "2026-03-01T00:00:00+01:00",
        },
    ],
    "trackers": [
        {
            "mac": MAC,
            "run": "Spring",
            "from": "2026-03-01T00:00:00Z",
            "to": "2026-03-20T00:00:00Z",
        },
        {"mac": OTHER_MAC, "run": "Spring", "from": "2026-03-01"},
    ],
    "reports": [
        seen(8, DEPOT, accuracy_m=12, confidence=3),
        seen(9, DEPOT, accuracy_m=1500),
        seen(10, ROAD),
        seen(11, ROAD, accuracy_m=35.5),
        seen(12, SHOP),
        seen(12, SHOP),
        seen(12, ROAD, mac=OTHER_MAC),
    ],
}


@pytest.fixture
def replay(tmp_path, capsys):
    """Runs the command on a world, or on the bytes of a file; returns (exit code, stdout, stderr)."""

    def run(world, *options):
        path = tmp_path / "WORLD.json"
        path.write_bytes(world if isinstance(world, bytes) else json.dumps(world).encode())
        code = 0
        try:
            call_command("replay", str(path), *options)
        except SystemExit as stopped:
            code = stopped.code
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


@pytest.fixture
def result(replay):
    def run(world, *options):
        code, out, err = replay(world, *options)
        assert (code, err) == (0, "")
        return json.loads(out)

    return run


def changed(path, value):
    """WORLD with another value at a path such as `reports/0/lat`; `...` removes what is there."""
    world = copy.deepcopy(WORLD)
    *parents, last = [int(key) if key.isdigit() else key for key in path.split("/")]
    at = world
    for key in parents:
        at = at[key]
    if value is ...:
        del at[last]
    else:
        at[last] = value
    return world


def rows():
    """How many rows there are, of every model."""
    return {model: model._default_manager.count() for model in apps.get_models() if model._meta.managed}


class TestOutput:
    def test_output_is_what_the_format_says(self, result):
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

    def test_empty_world_is_a_world(self, result):
        nothing = {"runs": [], "locations": [], "trackers": [], "reports": []}
        assert result(nothing) == {
            "trackers": {},
            "reports": {"stored": 0, "duplicates": 0, "rejected": 0},
        }

    def test_tracker_without_reports_is_created(self, result):
        told = result(changed("reports", []))["trackers"][MAC]
        assert told == {"status": "CREATED", "location": None, "history": [], "events": []}

    def test_optional_fields_may_be_left_out_or_null(self, result):
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

    def test_mac_in_several_periods_gives_one_tracker_whose_last_assignment_counts(self, result):
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

    def test_status_is_that_of_the_latest_assignment(self, result):
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

    def test_area_is_geojson_and_counts_in_place_of_the_circle(self, result):
        world = changed("locations/0/area", {"type": "Polygon", "coordinates": [SQUARE]})
        events = result(world)["trackers"][MAC]["events"]
        assert [(event["type"], event["location"]) for event in events[:3]] == [
            ("TRANSIT", None),
            ("ENTRY", "Depot"),
            ("DWELL", "Depot"),
        ]

    def test_polygon_over_the_antimeridian(self, result):
        ring = [[179.838, 66.9494], [-179.8496, 66.9508], [-180.0014, 66.8406], [179.838, 66.9494]]
        world = changed("locations/0/area", {"type": "Polygon", "coordinates": [ring]})
        world["reports"] = [
            seen(8, {"lat": 66.9015, "lon": -180.0096}),
            seen(9, {"lat": 66.9015, "lon": 179.991}),
            seen(10, {"lat": 66.8368, "lon": -179.8792}),
        ]
        types = [event["type"] for event in result(world)["trackers"][MAC]["events"]]
        assert types == ["ENTRY", "DWELL", "EXIT"]

    def test_times_are_utc_whatever_zone_they_came_in(self, result):
        world = changed("reports", [seen(8, ROAD) | {"seen_at": "2026-03-10T13:30:00.250+05:30"}])
        (event,) = result(world)["trackers"][MAC]["events"]
        assert event["occurred_at"] == "2026-03-10T08:00:00.250000Z"

    def test_policy_steers_the_timeline(self, result):
        hasty = result(changed("runs/0/policy", {}))
        patient = result(changed("runs/0/policy/confirmations", 2))
        strict = result(changed("runs/0/policy/max_accuracy_m", 5))
        assert len(hasty["trackers"][MAC]["history"]) == 3
        assert [row["status"] for row in patient["trackers"][MAC]["history"]] == ["IN_TRANSIT"]
        assert strict["trackers"][MAC]["history"][0]["started_at"] == "2026-03-10T10:00:00Z"

    def test_fence_counts_from_active_from_on(self, result):
        world = changed("locations/0/active_from", "2026-03-10T08:00:01Z")
        assert result(world)["trackers"][MAC]["events"][0]["type"] == "TRANSIT"

    def test_run_may_last_for_ever(self, result):
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
    def test_order_batches_and_lateness_change_nothing(self, result, busy, options):
        assert result(busy, *options) == result(busy)

    def test_late_reports_arrive_behind_all_others_in_the_order_of_before(self):
        from trackers.replay.world import in_order, parse_world, with_late

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
    def test_nothing_stays_in_the_database(self, result):
        RunFactory()
        TrackerFactory(mac=MAC)
        LocationFactory(name="Depot")
        before = rows()
        world = changed("trackers", WORLD["trackers"][1:])
        world["reports"] = WORLD["reports"][-1:]
        assert result(world)["reports"]["stored"] == 1
        assert rows() == before

    def test_what_is_in_the_database_is_no_part_of_the_world(self, result):
        """A tracker with the same MAC, or a fence at the same place, neither hinders nor shows."""
        TrackerFactory(mac=MAC)
        LocationFactory(name="Elsewhere", center="POINT(5 52)")
        told = result(WORLD)["trackers"][MAC]
        assert told["history"][0]["location"] == "Depot"
        assert Tracker.objects.count() == 1
        assert Location.objects.count() == 1
        assert not LocationReport.objects.exists()


BAD = [
    # Unknown and missing fields, at every level.
    ("wind", 3, "`wind`"),
    ("two\nlines", 3, "top level"),
    ("runs/0/client", "x", "`runs[0]`"),
    ("runs/0/policy/dwell", 1, "`runs[0].policy`"),
    ("locations/0/colour", "red", "`locations[0]`"),
    ("locations/0/area", {"type": "Polygon", "coordinates": [SQUARE], "bbox": []}, "`locations[0].area`"),
    ("trackers/0/serial", "x", "`trackers[0]`"),
    ("reports/0/speed", 3, "`reports[0]`"),
    ("runs", ..., "`runs`"),
    ("reports", ..., "`reports`"),
    ("runs/0/start_date", ..., "`runs[0]`"),
    ("locations/1/kind", ..., "`locations[1]`"),
    ("trackers/1/from", ..., "`trackers[1]`"),
    ("reports/4/seen_at", ..., "`reports[4]`"),
    # Wrong types.
    ("runs", {}, "`runs`"),
    ("runs/0", "Spring", "`runs[0]`"),
    ("runs/0/name", 7, "`runs[0].name`"),
    ("runs/0/policy", [], "`runs[0].policy`"),
    ("runs/0/policy/confirmations", "2", "`runs[0].policy.confirmations`"),
    ("locations/0/lat", "52", "`locations[0].lat`"),
    ("locations/0/runs", "Spring", "`locations[0].runs`"),
    ("locations/0/runs", [1], "`locations[0].runs[0]`"),
    ("locations/0/active_from", 5, "`locations[0].active_from`"),
    ("trackers/0/mac", 12, "`trackers[0].mac`"),
    ("reports/0/lon", None, "`reports[0].lon`"),
    ("reports/0/accuracy_m", "12", "`reports[0].accuracy_m`"),
    ("reports/0/confidence", 2.5, "`reports[0].confidence`"),
    ("reports/0/confidence", True, "`reports[0].confidence`"),
    # Values out of range.
    ("runs/0/name", "", "`runs[0].name`"),
    ("runs/0/name", "x" * 201, "`runs[0].name`"),
    ("runs/0/name", "nul\x00", "`runs[0].name`"),
    ("runs/0/policy/confirmations", 0, "`runs[0].policy.confirmations`"),
    ("runs/0/policy/confirmations", 11, "`runs[0].policy.confirmations`"),
    ("runs/0/policy/max_accuracy_m", -1, "`runs[0].policy.max_accuracy_m`"),
    ("locations/0/name", "nul\x00", "`locations[0].name`"),
    ("locations/0/kind", "depot", "`locations[0].kind`"),
    ("locations/0/kind", "STORAGE", "`locations[0].kind`"),
    ("locations/0/kind", "storage\n", "`locations[0].kind`"),
    ("locations/0/lat", 95, "`locations[0].lat`"),
    ("locations/0/lon", 181, "`locations[0].lon`"),
    ("locations/0/radius_m", 0, "`locations[0].radius_m`"),
    ("locations/0/radius_m", 100_001, "`locations[0].radius_m`"),
    ("reports/2/lat", 95, "`reports[2].lat`"),
    ("reports/2/lat", -90.01, "`reports[2].lat`"),
    ("reports/2/lon", 200, "`reports[2].lon`"),
    ("reports/2/accuracy_m", -1, "`reports[2].accuracy_m`"),
    ("reports/2/confidence", -1, "`reports[2].confidence`"),
    ("trackers/0/mac", "C0:00", "`trackers[0].mac`"),
    ("reports/3/mac", "none", "`reports[3].mac`"),
    # Times.
    ("runs/0/start_date", "2026-02-30", "`runs[0].start_date`"),
    ("runs/0/start_date", "2026-03-01T00:00:00Z", "`runs[0].start_date`"),
    ("runs/0/end_date", "2026-02-28", "`runs[0]`"),
    ("reports/1/seen_at", "yesterday", "`reports[1].seen_at`"),
    ("reports/1/seen_at", "2026-03-10T08:00:00", "`reports[1].seen_at`"),
    ("reports/1/seen_at", "2026-03-10", "`reports[1].seen_at`"),
    ("reports/1/seen_at", 1773129600, "`reports[1].seen_at`"),
    ("reports/1/seen_at", "0001-01-01T00:00:00+14:00", "`reports[1].seen_at`"),
    ("trackers/0/from", "2026-03-01T00:00:00", "`trackers[0].from`"),
    ("trackers/0/from", "0001-01-01T00:00:00+14:00", "`trackers[0].from`"),
    ("trackers/0/to", "9999-12-31T23:59:59-14:00", "`trackers[0].to`"),
    ("trackers/0/to", "2026-03-01T00:00:00Z", "`trackers[0].to`"),
    ("trackers/0/to", "2026-02-01", "`trackers[0].to`"),
    # What refers to something else.
    ("locations/0/runs", ["Autumn"], "`locations[0].runs`"),
    ("trackers/0/run", "Autumn", "`trackers[0].run`"),
    ("trackers/1/mac", MAC, "`trackers[1]`"),
    ("reports/3/mac", "C0:00:00:00:00:09", "`reports[3].mac`"),
    ("locations/1/name", "Depot", "`locations[1].name`"),
    # Areas.
    ("locations/0/area", {"type": "Point", "coordinates": [5, 52]}, "`locations[0].area"),
    ("locations/0/area", {"type": "Polygon"}, "`locations[0].area`"),
    ("locations/0/area", {"type": "Polygon", "coordinates": []}, "`locations[0].area.coordinates`"),
    ("locations/0/area", {"type": "Polygon", "coordinates": [[]]}, "`locations[0].area.coordinates[0]`"),
    (
        "locations/0/area",
        {"type": "Polygon", "coordinates": [SQUARE[:-1]]},
        "`locations[0].area.coordinates[0]`",
    ),
    (
        "locations/0/area",
        {"type": "Polygon", "coordinates": [SQUARE, SQUARE[:3]]},
        "`locations[0].area.coordinates[1]`",
    ),
    (
        "locations/0/area",
        {"type": "Polygon", "coordinates": [[[5, 52], [6, 95], [6, 52], [5, 52]]]},
        "`locations[0].area.coordinates[0][1]`",
    ),
    (
        "locations/0/area",
        {"type": "Polygon", "coordinates": [[[5, 52], [6], [6, 52], [5, 52]]]},
        "`locations[0].area.coordinates[0][1]`",
    ),
    (
        "locations/0/area",
        {"type": "Polygon", "coordinates": [[[0, 0], [90, 45], [180, 0], [0, 0]]]},
        "`locations[0].area.coordinates[0][2]`",
    ),
]


def assert_refused(outcome, *, naming, before):
    code, out, err = outcome
    assert code == 2, err
    assert out == ""
    assert err.count("\n") == 1
    assert err.endswith("\n")
    assert naming in err
    assert "Traceback" not in err
    assert rows() == before


class TestBadInput:
    @pytest.mark.parametrize(
        ("path", "value", "naming"), BAD, ids=[f"{path} {str(value)[:40]!r}" for path, value, _ in BAD]
    )
    def test_bad_value_is_named_by_its_path_in_one_line(self, replay, path, value, naming):
        before = rows()
        assert_refused(replay(changed(path, value)), naming=naming, before=before)

    @pytest.mark.parametrize(
        ("text", "naming"),
        [
            (b"", "not JSON"),
            (b"{", "not JSON"),
            (b"\xff\xfe{}", "JSON"),
            (b"[]", "top level"),
            (b"null", "top level"),
            (b'{"runs": NaN}', "JSON"),
            (b"[" * 100_000, "top level"),
        ],
        ids=["empty", "cut off", "not UTF-8", "a list", "null", "NaN", "deep"],
    )
    def test_file_that_is_no_world_is_named_in_one_line(self, replay, text, naming):
        assert_refused(replay(text), naming=naming, before=rows())

    def test_run_must_be_named_where_there_are_several(self, replay):
        world = changed("runs", [WORLD["runs"][0], WORLD["runs"][0] | {"name": "Autumn"}])
        del world["trackers"][1]["run"]
        assert_refused(replay(world), naming="`trackers[1].run`", before=rows())

    def test_two_runs_of_one_name_are_refused(self, replay):
        world = changed("runs", WORLD["runs"] * 2)
        assert_refused(replay(world), naming="`runs[1].name`", before=rows())

    @pytest.mark.parametrize(
        "options",
        [
            ("--order", "random"),
            ("--order", "shuffle"),
            ("--order", "shuffle:"),
            ("--order", "event:1"),
            ("--order", ""),
            ("--late", "0.3"),
            ("--late", "0.3:"),
            ("--late", ":5"),
            ("--late", "1.1:5"),
            ("--late", "-0.1:5"),
            ("--late", "nan:5"),
            ("--late", "many:5"),
            ("--late", ""),
            ("--batch", "0"),
            ("--batch", "-3"),
            ("--batch", "many"),
            ("--batch", "2.5"),
        ],
        ids=" ".join,
    )
    def test_bad_option_is_named_in_one_line(self, replay, options):
        option, value = options
        assert_refused(replay(WORLD, f"{option}={value}"), naming=option, before=rows())

    @pytest.mark.parametrize("name", ["missing.json", "."])
    def test_file_that_cant_be_read_is_named_in_one_line(self, tmp_path, capsys, name):
        with pytest.raises(SystemExit) as stopped:
            call_command("replay", str(tmp_path / name))
        captured = capsys.readouterr()
        assert_refused((stopped.value.code, *captured), naming=str(tmp_path / name), before=rows())


def test_from_the_shell_a_bad_file_costs_one_line_and_exit_code_two(tmp_path):
    path = tmp_path / "WORLD.json"
    path.write_text(json.dumps(changed("reports/2/lat", 95)))
    for arguments, naming in (([str(path)], "`reports[2].lat`"), ([str(path), "--batch=many"], "--batch")):
        done = subprocess.run(
            [sys.executable, "manage.py", "replay", *arguments],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert (done.returncode, done.stdout) == (2, "")
        assert len(done.stderr.splitlines()) == 1, done.stderr
        assert naming in done.stderr
