"""Which reports count, rule by rule: no database."""

from datetime import timedelta

import pytest

from tests.factories import NOW, make_fingerprint
from trackers.rules.distances import EARTH_RADIUS_M, FARTHEST_M, at_most_m, great_circle_m
from trackers.rules.verdicts import Fix, Report, Verdict, assess, event_order, is_reachable, is_usable

MINUTE = timedelta(minutes=1)
# One degree of latitude.
DEGREE_M = FARTHEST_M / 180
CODES = {
    Verdict.COUNTS: "+",
    Verdict.SUPERSEDED: "s",
    Verdict.INACCURATE: "i",
    Verdict.OUTLIER: "o",
    Verdict.HELD: "h",
}


def fix(minute=0.0, latitude=0.0, longitude=0.0, accuracy_m=None):
    return Fix(NOW + minute * MINUTE, latitude, longitude, accuracy_m)


def report(*where, number=0, **others):
    at = fix(*where, **others)
    return Report(
        at.seen_at,
        make_fingerprint(number),
        at.latitude,
        at.longitude,
        at.accuracy_m,
        0.0,
        Verdict.COUNTS,
        (),
    )


def assessed(reports, *, last_accepted=None, max_speed_kmh=1000):
    return assess(reports, max_accuracy_m=250, max_speed_kmh=max_speed_kmh, last_accepted=last_accepted)


def told(places, **others):
    """The verdicts on reports a minute apart: a digit is how many degrees of latitude away."""
    found = assessed([report(minute, float(place)) for minute, place in enumerate(places)], **others)
    return "".join(CODES[verdict] for verdict in found.verdicts)


@pytest.mark.parametrize(
    ("accuracy_m", "usable"), [(None, True), (249.9, True), (250, True), (250.1, False), (255, False)]
)
def test_report_is_usable_up_to_the_limit_or_without_known_accuracy(accuracy_m, usable):
    assert is_usable(accuracy_m, 250) is usable


def test_event_order_puts_the_most_accurate_of_a_moment_first_and_unknown_last():
    of_a_moment = [(30.0, 0), (10.0, 9), (10.0, 1), (None, 0)]
    keys = [event_order(NOW, accuracy_m, bytes([number])) for accuracy_m, number in of_a_moment]
    earlier = event_order(NOW - MINUTE, None, bytes([9]))
    assert sorted([*keys, earlier]) == [earlier, keys[2], keys[1], keys[0], keys[3]]


@pytest.mark.parametrize(
    ("places", "verdicts"),
    [
        ("", ""),
        ("0", "+"),
        pytest.param("00", "++", id="stays"),
        pytest.param("05", "+h", id="held until the next one decides"),
        pytest.param("050", "+o+", id="the next one is where it was"),
        pytest.param("055", "+++", id="two agree against one"),
        pytest.param("059", "+oh", id="reachable from neither: the next one is held"),
        pytest.param("0590", "+oo+", id="none of them agree"),
        pytest.param("05900", "+oo++", id="and the first place goes on"),
        pytest.param("05990", "+o++h", id="the second and third agree"),
        pytest.param("050505", "+o+o+h", id="two devices with one key"),
        pytest.param("5000", "++++", id="after a first report that lies the next two agree"),
    ],
)
def test_one_impossible_report_waits_for_the_next(places, verdicts):
    assert told(places) == verdicts


def test_an_accepted_report_follows_the_one_that_was_held():
    found = assessed([report(0, 0.0), report(1, 5.0), report(2, 5.0)])
    assert [it.latitude for it in found.accepted] == [0.0, 5.0, 5.0]
    assert found.held is None


def test_the_report_before_decides_about_the_first():
    assert told("55", last_accepted=fix(-1, 0.0)) == "++"
    assert told("50", last_accepted=fix(-1, 0.0)) == "o+"
    assert told("5", last_accepted=fix(-1, 0.0)) == "h"
    assert told("5") == "+"


def test_the_speed_is_the_runs():
    assert told("01", max_speed_kmh=3000) == "+h"
    minute_apart_kmh = DEGREE_M / 1000 * 60
    assert told("01", max_speed_kmh=minute_apart_kmh + 1) == "++"
    assert told("01", max_speed_kmh=minute_apart_kmh - 1) == "+h"


def test_both_errors_are_taken_off_the_distance():
    one, other = fix(0, 0.0, accuracy_m=200.0), fix(1, 0.2, accuracy_m=100.0)
    needed_kmh = (0.2 * DEGREE_M - 300) / 1000 * 60
    assert is_reachable(one, other, needed_kmh + 0.01)
    assert not is_reachable(one, other, needed_kmh - 0.01)


def test_errors_alone_may_explain_a_distance():
    assert is_reachable(fix(0, 0.0, accuracy_m=200.0), fix(0.001, 0.003, accuracy_m=200.0), 10)


def test_after_long_enough_everything_is_reachable():
    assert is_reachable(fix(0, 90.0), fix(60 * 24, -90.0), 1000)
    assert not is_reachable(fix(0, 90.0), fix(60 * 20, -90.0), 1000)


def test_the_short_way_leads_over_the_date_line():
    assert is_reachable(fix(0, 0.0, 179.99), fix(1, 0.0, -179.99), 200)
    assert great_circle_m(0, 179.99, 0, -179.99) == pytest.approx(0.02 * DEGREE_M)


def test_distances_are_those_of_the_sphere():
    assert great_circle_m(0, 0, 0, 180) == pytest.approx(FARTHEST_M)
    assert great_circle_m(90, 0, 0, 77) == pytest.approx(FARTHEST_M / 2)
    assert great_circle_m(52, 5, 52, 5) == 0
    assert EARTH_RADIUS_M == 6_371_008.8


@pytest.mark.parametrize("other", [(0.0, 0.1), (52.0, 5.0), (-90.0, 0.0), (89.0, 179.0), (0.0, -179.0)])
def test_the_cheap_bound_is_never_below_the_distance(other):
    for latitude in range(-90, 91, 15):
        for longitude in range(-180, 181, 30):
            assert (
                at_most_m(latitude, longitude, *other) >= great_circle_m(latitude, longitude, *other) - 1e-6
            )


def test_inaccurate_reports_take_no_moment_and_are_no_neighbours():
    found = assessed(
        [
            report(0, 0.0),
            report(1, 5.0, accuracy_m=251.0),
            report(1, 0.0, accuracy_m=None),
            report(2, 5.0, accuracy_m=None),
        ]
    )
    assert "".join(CODES[it] for it in found.verdicts) == "+i+h"


def test_of_one_moment_the_first_counts_even_if_it_is_an_outlier():
    found = assessed(
        [report(0, 0.0), report(1, 5.0, accuracy_m=5.0), report(1, 0.0, accuracy_m=10.0), report(2, 0.0)]
    )
    assert "".join(CODES[it] for it in found.verdicts) == "+os+"
    assert found.accepted[-1].seen_at == NOW + 2 * MINUTE
