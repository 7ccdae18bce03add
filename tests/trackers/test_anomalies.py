"""Detectors, by tables."""

from datetime import timedelta

import pytest

from tests.factories import NOW
from trackers.rules.anomalies import (
    EvaluatedReport,
    Leg,
    SeenHour,
    StatusPeriod,
    Thresholds,
    allowed_silence,
    back_to_storage,
    battery_low,
    distance_m,
    impossible_speed,
    left_country,
    left_delivery,
    long_periods,
    never_reported,
    off_route,
    silent,
)
from trackers.rules.episodes import Episode, Kind

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
THRESHOLDS = Thresholds(
    silent_factor=6,
    silent_min=DAY,
    silent_max=7 * DAY,
    never_reported_after=3 * DAY,
    off_route_detour=1.3,
    off_route_slack_m=50_000,
    long_storage=14 * DAY,
    long_transit=10 * DAY,
    back_after=6 * HOUR,
)
AMSTERDAM, BERLIN, MADRID, LISBON = (52.37, 4.90), (52.52, 13.40), (40.42, -3.70), (38.72, -9.14)
ATHENS = (37.98, 23.73)


def at(hours: float, place: tuple[float, float] = AMSTERDAM, accuracy_m: float = 20, battery: str = "FULL"):
    return EvaluatedReport(NOW + hours * HOUR, *place, accuracy_m, battery)


def far(hours: float, accuracy_m: float = 20):
    """An outlier, or one that is held."""
    return at(hours, BERLIN, accuracy_m)._replace(counts=False)


def spans(episodes: list[Episode]) -> list[tuple[float, float, float | None]]:
    """Beginning, latest and end in hours after NOW."""

    def hours(moment):
        return None if moment is None else (moment - NOW) / HOUR

    return [(hours(each.began_at), hours(each.latest_at), hours(each.ended_at)) for each in episodes]


def test_distances_are_those_of_the_globe() -> None:
    assert distance_m(AMSTERDAM, BERLIN) == pytest.approx(577_000, rel=0.01)
    assert distance_m((0, 179.9), (0, -179.9)) == pytest.approx(22_239, rel=0.01)
    assert distance_m(AMSTERDAM, AMSTERDAM) == 0


@pytest.mark.parametrize(
    ("reports", "expected"),
    [
        ([], []),
        ([at(0)], []),
        ([at(0), at(1, BERLIN)], []),
        ([at(0), far(0.5)], [(0.5, 0.5, None)]),
        ([at(0), far(0.5), at(1)], [(0.5, 0.5, 1)]),
        ([at(0), far(0.5), far(0.6), at(2), at(3)], [(0.5, 0.6, 2)]),
        ([at(0), far(0.5), at(1), far(1.5)], [(0.5, 0.5, 1), (1.5, 1.5, None)]),
        ([far(0.5), at(1)], [(0.5, 0.5, 1)]),
    ],
)
def test_impossible_speed_is_shown_by_reports_that_do_not_count(reports, expected) -> None:
    assert spans(impossible_speed(reports)) == expected


def test_impossible_speed_says_how_fast() -> None:
    """From the last report that counts, less both error circles; nobody knows where none is known."""
    [episode] = impossible_speed([at(0), far(0.1), far(0.5)])
    assert episode.measure == pytest.approx(5770, abs=60)
    [episode] = impossible_speed([at(0), far(0.5, accuracy_m=100_000)])
    assert episode.measure == pytest.approx(954, abs=12)
    [episode] = impossible_speed([far(0.5)])
    assert episode.measure is None


@pytest.mark.parametrize(
    ("levels", "expected"),
    [
        (["FULL", "MEDIUM"], []),
        (["FULL", "LOW", "CRITICAL"], [(1, 2, None)]),
        (["LOW", "", "LOW", "", "FULL"], [(0, 3, 4)]),
        (["LOW", "FULL", "LOW"], [(0, 0, 1), (2, 2, None)]),
    ],
)
def test_battery_low(levels, expected) -> None:
    assert spans(battery_low([at(i, battery=level) for i, level in enumerate(levels)])) == expected


LEGS = [Leg(AMSTERDAM, end, distance_m(AMSTERDAM, end)) for end in (BERLIN, MADRID)]


@pytest.mark.parametrize(
    ("places", "legs", "expected"),
    [
        ([ATHENS, ATHENS], [], []),
        ([AMSTERDAM, (52.3, 9.7), BERLIN], LEGS, []),
        ([(48.86, 2.35), MADRID], LEGS, []),
        ([AMSTERDAM, ATHENS, AMSTERDAM], LEGS, []),  # one fix may lie
        ([AMSTERDAM, ATHENS, ATHENS], LEGS, [(1, 2, None)]),
        ([ATHENS, ATHENS, ATHENS, BERLIN], LEGS, [(0, 2, 3)]),
        ([ATHENS, BERLIN, ATHENS, BERLIN], LEGS, []),
    ],
)
def test_off_route(places, legs, expected) -> None:
    reports = [at(i, place) for i, place in enumerate(places)]
    assert spans(off_route(reports, legs, detour=1.3, slack_m=50_000)) == expected


def test_a_road_that_is_short_enough_never_leaves_the_route() -> None:
    """Straight to a point aside and on to the end: all of it passes until the way is 1.3 times the direct one."""
    leg = Leg((0.0, 0.0), (0.0, 10.0), distance_m((0, 0), (0, 10)))
    for north, expected in ((0.0, 0), (4.0, 0), (4.3, 1), (6.0, 1)):
        reports = [at(0, (north, 5.0)), at(1, (north, 5.0))]
        assert len(off_route(reports, [leg], detour=1.3, slack_m=0)) == expected, north


@pytest.mark.parametrize(
    ("abroad", "expected"),
    [
        ([], []),
        (["", "FR", ""], []),  # one fix may lie
        (["", "FR", "FR"], [(1, 2, None)]),
        (["FR", "ES", ""], [(0, 1, 2)]),
        (["FR", None, "FR", ""], []),  # not in a row
        (["FR", "FR", None, "FR", ""], [(0, 3, 4)]),
        (["FR", "FR", "", "ES", "ES"], [(0, 1, 2), (3, 4, None)]),
        ([None, None], []),
    ],
)
def test_left_country(abroad, expected) -> None:
    assert spans(left_country([at(i)._replace(abroad=each) for i, each in enumerate(abroad)])) == expected


def test_left_country_says_where_it_was_first() -> None:
    [episode] = left_country([at(i)._replace(abroad=each) for i, each in enumerate(["FR", "ES", "ES"])])
    assert (episode.kind, episode.country) == (Kind.LEFT_COUNTRY, "FR")


def hours_at(*hours: float) -> list[SeenHour]:
    return [SeenHour(NOW + hour * HOUR, NOW + hour * HOUR) for hour in hours]


@pytest.mark.parametrize(
    ("gaps_h", "allowed_h"),
    [
        ([], 168),  # no rhythm yet
        ([1, 1, 1, 1], 168),
        ([1, 1, 1, 1, 1], 24),
        ([8] * 9, 48),
        ([48] * 9, 168),
        ([1] * 15 + [100] * 5, 24),  # a few long ones don't matter
        ([100] * 30 + [8] * 20, 48),  # what was long ago doesn't either
    ],
)
def test_allowed_silence_follows_the_trackers_own_rhythm(gaps_h, allowed_h) -> None:
    assert allowed_silence([gap * HOUR for gap in gaps_h], THRESHOLDS) == allowed_h * HOUR


def test_silence_begins_when_it_was_last_seen_and_ends_when_it_is_seen_again() -> None:
    seen = hours_at(0, 1, 2, 3, 4, 5, 40, 41)
    episodes, due = silent([], seen, until=NOW + 42 * HOUR, thresholds=THRESHOLDS)
    assert spans(episodes) == [(5, 29, 40)]
    assert episodes[0].measure == 24
    assert due == NOW + 65 * HOUR
    episodes, due = silent([], seen, until=NOW + 70 * HOUR, thresholds=THRESHOLDS)
    assert spans(episodes) == [(5, 29, 40), (41, 65, None)]
    assert due is None


def test_gaps_before_the_change_are_not_evaluated_again() -> None:
    before, hours = hours_at(0, 40, 41, 42, 43, 44), hours_at(80)
    episodes, _ = silent(before, hours, until=NOW + 81 * HOUR, thresholds=THRESHOLDS)
    assert spans(episodes) == [(44, 68, 80)]


@pytest.mark.parametrize(
    ("first_h", "until_h", "expected"),
    [(None, 72, []), (None, 73, [(0, 72, None)]), (90, 100, [(0, 72, 90)]), (10, 100, [])],
)
def test_never_reported(first_h, until_h, expected) -> None:
    first = None if first_h is None else NOW + first_h * HOUR
    found = never_reported(first, since=NOW, until=NOW + until_h * HOUR, thresholds=THRESHOLDS)
    assert spans(found) == expected


STATUS = {"S": "IN_STORAGE", "T": "IN_TRANSIT", "D": "DELIVERED"}


def periods(text: str) -> list[StatusPeriod]:
    """`S1:0 T:10 D2:20` is storage 1 from hour 0, then in transit from hour 10, delivery location 2 from 20."""
    parsed = []
    for word in text.split():
        place, hour = word.split(":")
        location = int(place[1:]) if place[1:] else None
        parsed.append(StatusPeriod(STATUS[place[0]], location, NOW + float(hour) * HOUR, None))
    for number, following in enumerate(parsed[1:]):
        parsed[number] = parsed[number]._replace(ended_at=following.started_at)
    return parsed


@pytest.mark.parametrize(
    ("history", "expected"),
    [
        ("S1:0 T:10 D2:20", []),
        ("D2:20 T:30", [(30, 30, None)]),
        ("D2:20 T:30 S1:40 T:50", [(30, 50, None)]),
        ("D2:20 T:30 S1:40 D2:50", [(30, 40, 50)]),
        ("D2:20 D3:30", []),
        ("D2:0 T:1 D2:2 T:3", [(1, 1, 2), (3, 3, None)]),
    ],
)
def test_left_delivery(history, expected) -> None:
    assert spans(left_delivery(periods(history))) == expected


@pytest.mark.parametrize(
    ("history", "expected"),
    [
        ("S1:0 T:10 S2:20", []),  # a hub on the way
        ("S1:0 T:10 S1:12", []),  # it drove around the yard
        ("S1:0 T:10 S1:20", [(20, 20, None)]),
        ("S1:0 T:10 S1:20 T:22 S1:23 T:40", [(20, 20, 40)]),
        ("S1:0 T:10 D2:11 T:12 S1:13", [(13, 13, None)]),
        ("D2:0 T:5 S7:8 T:9", [(8, 8, 9)]),
        ("S1:0 T:10 S1:20 T:30 S1:40", [(20, 20, 30), (40, 40, None)]),
    ],
)
def test_back_to_storage(history, expected) -> None:
    assert spans(back_to_storage(periods(history), back_after=6 * HOUR)) == expected


@pytest.mark.parametrize(
    ("history", "until_h", "expected", "due_h"),
    [
        ("S1:0", 24 * 14, [], 24 * 14),
        ("S1:0", 24 * 14 + 1, [(336, 336, None)], None),
        ("S1:0 T:400 D2:700", 800, [(336, 336, 400), (640, 640, 700)], None),
        ("D2:0", 9000, [], None),
    ],
)
def test_long_periods(history, until_h, expected, due_h) -> None:
    found, due = long_periods(periods(history), until=NOW + until_h * HOUR, thresholds=THRESHOLDS)
    assert spans(found) == expected
    assert due == (None if due_h is None else NOW + due_h * HOUR)


def test_measures_are_told() -> None:
    assert long_periods(periods("S1:0"), until=NOW + 20 * DAY, thresholds=THRESHOLDS)[0][0].measure == 14
    [back] = back_to_storage(periods("S1:0 T:10 S1:20"), back_after=6 * HOUR)
    assert (back.kind, back.measure, back.location_id) == (Kind.BACK_TO_STORAGE, 10, 1)
