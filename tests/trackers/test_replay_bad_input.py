"""Whatever is wrong with a world, `manage.py replay` says so in one line that names the path in the file."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.trackers.replays import MAC, SQUARE, WORLD, changed, replay, replay_file, rows

pytestmark = pytest.mark.django_db

ROOT = Path(__file__).parents[2]

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
    def test_bad_value_is_named_by_its_path_in_one_line(self, path, value, naming):
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
    def test_file_that_is_no_world_is_named_in_one_line(self, text, naming):
        assert_refused(replay(text), naming=naming, before=rows())

    @pytest.mark.parametrize(
        ("before", "after", "naming"),
        [
            ('"kind":', '"kind": "storage", "kind":', "`locations[0].kind`"),
            ('"confirmations":', '"confirmations": 9, "confirmations":', "`runs[0].policy.confirmations`"),
            ('"accuracy_m":', '"accuracy_m": 1, "accuracy_m":', "`reports[0].accuracy_m`"),
            ('"reports":', '"reports": [], "reports":', "`reports`"),
        ],
    )
    def test_member_that_is_there_twice_is_named(self, before, after, naming):
        text = json.dumps(WORLD).replace(before, after, 1).encode()
        assert_refused(replay(text), naming=naming, before=rows())

    def test_run_must_be_named_where_there_are_several(self):
        world = changed("runs", [WORLD["runs"][0], WORLD["runs"][0] | {"name": "Autumn"}])
        del world["trackers"][1]["run"]
        assert_refused(replay(world), naming="`trackers[1].run`", before=rows())

    def test_two_runs_of_one_name_are_refused(self):
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
    def test_bad_option_is_named_in_one_line(self, options):
        option, value = options
        assert_refused(replay(WORLD, f"{option}={value}"), naming=option, before=rows())

    @pytest.mark.parametrize("name", ["missing.json", "."])
    def test_file_that_cant_be_read_is_named_in_one_line(self, tmp_path, name):
        path = tmp_path / name
        assert_refused(replay_file(path), naming=str(path), before=rows())


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
