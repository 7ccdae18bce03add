import base64
import copy
import json

import pytest

from ingestion.findmy.protocol import Battery
from simulation.findmy.plan import PlanError, load_plan, parse_plan
from simulation.findmy.tracks import Itinerary, Trace
from tests.simulation.findmy import worlds

PAIR = worlds.key_pair(1)
CSV = (
    "vehicle_id,timestamp,latitude,longitude\n"
    "4716,2026-01-26 15:57:02,53.4,-2.9\n"
    "4716,2026-01-26 15:57:24,53.5,-2.8\n"
)


def test_a_plan_file_is_read(tmp_path):
    file = tmp_path / "plan.json"
    file.write_text(json.dumps(worlds.document([worlds.tracker([PAIR])])))

    plan = load_plan(file)

    assert (plan.seed, plan.started_at) == (7, worlds.STARTED_AT)
    assert (plan.delay_scale, plan.backlog_spread_s, plan.median_gap_s) == (1.0, 40.0, 900.0)
    [tracker] = plan.trackers
    assert tracker.mac == PAIR.mac
    assert tracker.advertisement_keys == (PAIR.advertisement_key,)
    assert tracker.battery is Battery.FULL
    assert isinstance(tracker.track, Itinerary)
    assert tracker.track.origin == tuple(worlds.AMSTERDAM)


def test_a_replay_is_read_beside_the_plan(tmp_path):
    (tmp_path / "bus.csv").write_text(CSV)
    tracker = worlds.tracker([PAIR])
    del tracker["itinerary"]
    tracker["replay"] = {"csv": "bus.csv", "vehicle": "4716", "starts_at": "2026-03-01T11:00:00Z"}

    plan = parse_plan(worlds.document([tracker]), folder=tmp_path)

    track = plan.trackers[0].track
    assert isinstance(track, Trace)
    assert track.points == ((53.4, -2.9), (53.5, -2.8))


@pytest.mark.parametrize("replay", [{"csv": "no.csv", "vehicle": "4716"}, {"csv": "bus.csv", "vehicle": "1"}])
def test_a_replay_that_is_not_there(tmp_path, replay):
    (tmp_path / "bus.csv").write_text(CSV)
    tracker = worlds.tracker([PAIR])
    del tracker["itinerary"]

    with pytest.raises(PlanError, match=r"plan\.trackers\[0\]\.replay\."):
        parse_plan(worlds.document([tracker | {"replay": replay}]), folder=tmp_path)


def test_a_file_that_is_no_plan(tmp_path):
    with pytest.raises(PlanError, match=r"no\.json"):
        load_plan(tmp_path / "no.json")
    (tmp_path / "half.json").write_text('{"seed"')
    with pytest.raises(PlanError, match=r"half\.json"):
        load_plan(tmp_path / "half.json")


WRONG = [
    ("plan.seed", ["seed"], 1.5),
    ("plan.started_at", ["started_at"], "2026-03-01T12:00:00"),
    ("plan.started_at", ["started_at"], "soon"),
    ("plan.delay_scale", ["delay_scale"], -1),
    ("plan.median_gap_s", ["median_gap_s"], True),
    ("plan.colour", ["colour"], "red"),
    ("plan.trackers", ["trackers"], {}),
    ("plan.trackers[0]", ["trackers", 0], 5),
    ("plan.trackers[0].mac", ["trackers", 0, "mac"], "E2:7B"),
    ("plan.trackers[0].mac", ["trackers", 0, "mac"], "E2:7B:7C:0B:3A:2F"),
    ("plan.trackers[0].battery", ["trackers", 0, "battery"], "EMPTY"),
    ("plan.trackers[0].advertisement_keys", ["trackers", 0, "advertisement_keys"], []),
    ("plan.trackers[0].advertisement_keys[0]", ["trackers", 0, "advertisement_keys", 0], "?"),
    (
        "plan.trackers[0].advertisement_keys[0]",
        ["trackers", 0, "advertisement_keys", 0],
        base64.b64encode(b"\xff" * 28).decode(),
    ),
    ("plan.trackers[0]", ["trackers", 0, "replay"], {}),
    ("plan.trackers[0].itinerary", ["trackers", 0, "itinerary"], None),
    ("plan.trackers[0].itinerary.origin", ["trackers", 0, "itinerary", "origin"], [1]),
    ("plan.trackers[0].itinerary.origin[0]", ["trackers", 0, "itinerary", "origin"], [91, 0]),
    ("plan.trackers[0].itinerary.origin[1]", ["trackers", 0, "itinerary", "origin"], [0, 181]),
    ("plan.trackers[0].itinerary.speed_kmh", ["trackers", 0, "itinerary", "speed_kmh"], 0),
    (
        "plan.trackers[0].itinerary.departs_at",
        ["trackers", 0, "itinerary", "departs_at"],
        "2020-01-01T00:00Z",
    ),
    ("plan.trackers[0].itinerary.stops[0].stay_s", ["trackers", 0, "itinerary", "stops", 0, "stay_s"], "1"),
]


@pytest.mark.parametrize(("path", "where", "value"), WRONG)
def test_an_error_begins_with_its_path(tmp_path, path, where, value):
    document = copy.deepcopy(worlds.document([worlds.tracker([PAIR])]))
    place = document
    for step in where[:-1]:
        place = place[step]
    place[where[-1]] = value

    with pytest.raises(PlanError) as caught:
        parse_plan(document, folder=tmp_path)
    assert str(caught.value).startswith(f"{path}: ")


def test_a_missing_field_is_named(tmp_path):
    document = worlds.document([worlds.tracker([PAIR])])
    del document["trackers"][0]["itinerary"]["speed_kmh"]

    with pytest.raises(PlanError, match=r"plan\.trackers\[0\]\.itinerary\.speed_kmh: is missing"):
        parse_plan(document, folder=tmp_path)


def test_two_trackers_cannot_share_a_key(tmp_path):
    with pytest.raises(PlanError, match=r"plan\.trackers\[1\]\.advertisement_keys"):
        parse_plan(worlds.document([worlds.tracker([PAIR])] * 2), folder=tmp_path)
