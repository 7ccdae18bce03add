import math
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulation.demo.planning import bus_csv
from simulation.findmy.tracks import Itinerary, Stop, Trace, distance_m, interpolate, offset, replay_csv

BUS_CSV = bus_csv()
AMSTERDAM, BERLIN, OSNABRUECK = (52.379189, 4.899431), (52.520008, 13.404954), (52.2799, 8.0472)
DEPARTS_AT = datetime(2026, 2, 27, 6, tzinfo=UTC)
points = st.tuples(st.floats(-85, 85), st.floats(-179, 179))


def _itinerary(**changes):
    fields = {
        "active_from": DEPARTS_AT - timedelta(days=1),
        "origin": AMSTERDAM,
        "destination": BERLIN,
        "departs_at": DEPARTS_AT,
        "stops": (Stop(OSNABRUECK, 2700.0),),
        "speed_kmh": 75.0,
    }
    return Itinerary(**(fields | changes))


def test_a_known_distance():
    assert distance_m(AMSTERDAM, BERLIN) == pytest.approx(576_700, rel=0.003)


@given(points, points, st.floats(0, 1))
def test_interpolation_keeps_to_the_great_circle(start, end, fraction):
    whole = distance_m(start, end)
    if whole > 19_000_000:
        return
    middle = interpolate(start, end, fraction)

    assert distance_m(start, middle) == pytest.approx(fraction * whole, rel=1e-5, abs=0.5)
    assert distance_m(middle, end) == pytest.approx((1 - fraction) * whole, rel=1e-5, abs=0.5)


@given(points, st.floats(-700, 700), st.floats(-700, 700))
def test_an_offset_moves_by_as_many_metres(point, north_m, east_m):
    assert distance_m(point, offset(point, north_m, east_m)) == pytest.approx(
        math.hypot(north_m, east_m), rel=0.01, abs=0.05
    )


def test_an_offset_crosses_the_date_line():
    assert offset((0.0, 179.9999), 0, 100)[1] < -179.99


def test_a_shipment_waits_travels_stops_and_stays():
    itinerary = _itinerary()
    departs_s = DEPARTS_AT.timestamp()
    first_leg_s = distance_m(AMSTERDAM, OSNABRUECK) / (75 / 3.6)

    assert itinerary.begins_s == departs_s - 86_400
    assert itinerary.position_at(departs_s - 60) == AMSTERDAM
    assert itinerary.position_at(departs_s + first_leg_s + 60) == OSNABRUECK
    assert itinerary.position_at(departs_s + first_leg_s + 2699) == OSNABRUECK
    assert itinerary.position_at(itinerary.arrives_s) == BERLIN
    assert itinerary.position_at(itinerary.arrives_s + 1e7) == BERLIN


def test_it_drives_at_the_speed_asked_for():
    itinerary = _itinerary(stops=())
    departs_s = DEPARTS_AT.timestamp()
    one, two = itinerary.position_at(departs_s + 3600), itinerary.position_at(departs_s + 5400)

    assert distance_m(one, two) == pytest.approx(37_500, rel=1e-4)
    assert itinerary.arrives_s - departs_s == pytest.approx(distance_m(AMSTERDAM, BERLIN) / (75 / 3.6))


def test_without_a_departure_it_stays_stored():
    stored = _itinerary(departs_at=None)

    assert stored.arrives_s == math.inf
    assert stored.position_at(DEPARTS_AT.timestamp() + 1e6) == AMSTERDAM


def test_a_stop_at_the_origin_takes_no_way():
    itinerary = _itinerary(stops=(Stop(AMSTERDAM, 60.0),))

    assert itinerary.position_at(DEPARTS_AT.timestamp() + 30) == AMSTERDAM


def test_a_trace_gives_only_recorded_fixes():
    trace = Trace((10.0, 20.0, 40.0), (AMSTERDAM, OSNABRUECK, BERLIN))

    assert trace.next_fix(10.0) == (10.0, AMSTERDAM)
    assert trace.next_fix(20.5) == (40.0, BERLIN)
    assert trace.next_fix(40.1) is None


def test_csv_rows_become_traces_and_move_in_time(tmp_path):
    file = tmp_path / "bus.csv"
    file.write_text(
        '"id","vehicle_id","timestamp","latitude","longitude"\n'
        '3,"7","2026-01-26 15:57:24",53.2,-2.2\n'
        '1,"7","2026-01-26 15:57:02",53.1,-2.1\n'
        '2,"8","2026-01-26 15:57:12",53.3,-2.3\n'
    )
    starts_at = datetime(2026, 5, 1, tzinfo=UTC)

    traces = replay_csv(file, starts_at=starts_at)

    assert traces["7"] == Trace(
        (starts_at.timestamp(), starts_at.timestamp() + 22), ((53.1, -2.1), (53.2, -2.2))
    )
    assert traces["8"].begins_s == starts_at.timestamp() + 10
    assert replay_csv(file)["7"].begins_s == datetime(2026, 1, 26, 15, 57, 2, tzinfo=UTC).timestamp()


def test_a_csv_without_rows_is_refused(tmp_path):
    file = tmp_path / "empty.csv"
    file.write_text("vehicle_id,timestamp,latitude,longitude\n")

    with pytest.raises(ValueError, match=r"empty\.csv"):
        replay_csv(file)


@pytest.mark.skipif(not BUS_CSV.exists(), reason=f"the bus recording is not at {BUS_CSV}")
def test_the_bus_recording_holds_eight_vehicles_at_bus_speeds():
    traces = replay_csv(BUS_CSV)

    assert len(traces) == 8
    assert sum(len(trace.points) for trace in traces.values()) > 1_400
    for trace in traces.values():
        way_m = sum(map(distance_m, trace.points, trace.points[1:]))
        mean_kmh = way_m / (trace.moments_s[-1] - trace.moments_s[0]) * 3.6
        assert 3 < mean_kmh < 60
