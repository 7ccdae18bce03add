"""The completion of shipments and what is expected of the rest."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.factories import NOW
from tests.laws import law
from trackers.analytics.completion import POINTS, Journey, Outcome, complete, outcome_of
from trackers.pages import charts

DAY = timedelta(days=1)
LATER = NOW + 60 * DAY


def journey(  # hours and days before NOW
    *,
    left: float | None = None,
    delivered: float | None = None,
    origin: int | None = 1,
    assigned: float = 20,
    seen: bool = True,
    stored: bool | None = None,
    away: float | None = None,
    released: float | None = None,
) -> Journey:
    def ago(days: float | None):
        return None if days is None else NOW - days * DAY

    return Journey(
        assignment_id=1,
        assigned_at=NOW - assigned * DAY,
        released_at=ago(released),
        first_seen_at=NOW - assigned * DAY if seen else None,
        origin_id=origin,
        departed_at=ago(left),
        delivered_at=ago(delivered),
        away_since=ago(away),
        stored=(left is None and seen) if stored is None else stored,
    )


def done(*days: float, origin: int = 1) -> list[Journey]:
    """Delivered a day ago, after this many days on the way."""
    return [journey(left=1 + length, delivered=1, origin=origin) for length in days]


@pytest.mark.parametrize(
    ("it", "expected"),
    [
        (journey(left=3, delivered=1), Outcome.DELIVERED),
        (journey(left=3, delivered=2, away=1), Outcome.DELIVERED_AND_LEFT),
        (journey(left=3), Outcome.ON_THE_WAY),
        (journey(), Outcome.STORED),
        (journey(left=3, stored=True), Outcome.STORED),
        (journey(seen=False), Outcome.NOT_SEEN),
        (journey(left=3, released=1), Outcome.NEVER_DELIVERED),
    ],
)
def test_outcomes(it: Journey, expected: Outcome) -> None:
    assert outcome_of(it, run_ends_at=LATER, now=NOW) == expected


@pytest.mark.parametrize("it", [journey(left=3), journey(), journey(seen=False), journey(left=3, released=2)])
def test_what_is_not_delivered_when_the_run_is_over_is_timed_out(it: Journey) -> None:
    assert outcome_of(it, run_ends_at=NOW, now=NOW) == Outcome.TIMED_OUT
    assert outcome_of(journey(left=3, delivered=1), run_ends_at=NOW, now=NOW) == Outcome.DELIVERED


def test_the_rest_is_expected_by_the_median_of_the_delivered() -> None:
    found = complete([*done(2, 3, 4, 5, 6), journey(left=1)], run_ends_at=LATER, now=NOW)
    assert (found.total, found.delivered, found.overdue) == (6, 5, 0)
    assert found.expected_at == NOW - DAY + 4 * DAY
    assert found.expected_between == (NOW - DAY + 2 * DAY, NOW - DAY + 6 * DAY)


def test_one_that_is_late_is_expected_by_those_that_took_longer() -> None:
    found = complete([*done(2, 3, 4, 5, 6), journey(left=4.5)], run_ends_at=LATER, now=NOW)
    assert found.expected_at == NOW - 4.5 * DAY + 6 * DAY


def test_one_that_took_longer_than_all_others_is_overdue() -> None:
    found = complete([*done(2, 3, 4, 5, 6), journey(left=7)], run_ends_at=LATER, now=NOW)
    assert (found.expected_at, found.overdue, found.expected) == (None, 1, [])


def test_one_in_storage_is_expected_after_the_others_wait_and_way() -> None:
    delivered = [
        journey(left=1 + days, delivered=1, assigned=11 + days) for days in (2, 3, 4, 5, 6)
    ]  # stood there for ten days
    found = complete([*delivered, journey(assigned=4)], run_ends_at=LATER, now=NOW)
    assert found.expected_at == NOW + 6 * DAY + 4 * DAY


def test_locations_with_enough_deliveries_have_their_own_pace() -> None:
    rows = [*done(1, 1, 1, 1, 1, origin=1), *done(9, 9, 9, 9, 9, origin=2), *done(30, origin=3)]
    near = complete([*rows, journey(left=0.5, origin=1)], run_ends_at=LATER, now=NOW)
    far = complete([*rows, journey(left=0.5, origin=2)], run_ends_at=LATER, now=NOW)
    new = complete([*rows, journey(left=0.5, origin=3)], run_ends_at=LATER, now=NOW)
    assert near.expected_at == NOW + 0.5 * DAY
    assert far.expected_at == NOW + 8.5 * DAY
    assert new.expected_at == NOW + 8.5 * DAY  # the median of all eleven
    assert [(each.origin_id, each.delivered) for each in near.pace] == [(None, 11), (1, 5), (2, 5), (3, 1)]


def test_too_few_deliveries_estimate_nothing() -> None:
    found = complete([*done(1, 2, 3, 4), journey(left=9)], run_ends_at=LATER, now=NOW)
    assert (found.expected_at, found.overdue, found.expected) == (None, 0, [])


def test_nothing_is_nothing() -> None:
    found = complete([], run_ends_at=LATER, now=NOW)
    assert (found.total, found.share, found.curve, found.expected) == (0, 0, [], [])
    assert charts.draw(found) is None


ways = st.builds(
    lambda left, took, origin, assigned: journey(
        left=left,
        delivered=None if left is None or took is None else max(left - took, 0.01),
        origin=origin,
        assigned=max(assigned, left or 0),
    ),
    st.none() | st.floats(0, 15),
    st.none() | st.floats(0.1, 10),
    st.integers(1, 2),
    st.floats(1, 20),
)


@law(200)
@given(st.lists(ways, max_size=25))
def test_shares_rise_and_the_band_holds_the_expectation(journeys: list[Journey]) -> None:
    found = complete(journeys, run_ends_at=LATER, now=NOW)
    shares = [point.share for point in found.curve]
    assert shares == sorted(shares)
    assert len(shares) in (0, POINTS)
    if shares:
        assert shares[-1] == found.share
    for band in found.expected:
        assert found.share <= band.slow <= band.usual <= band.quick <= 1
    assert found.outcomes.total() == found.total == len(journeys)


def test_the_chart_runs_from_the_first_assignment_to_the_last_arrival() -> None:
    found = complete([*done(2, 3, 4, 5, 6), journey(left=1)], run_ends_at=LATER, now=NOW)
    chart = charts.draw(found)
    assert chart
    assert (chart.start, chart.end) == (NOW - 20 * DAY, NOW + 5 * DAY)
    assert chart.now_left == 80
    assert chart.line.split()[0] == "0.0,100.0"
    assert chart.line.split()[-1] == "80.0,16.67"
    assert chart.usual.split()[-1] == "100.0,0.0"


def test_the_band_of_the_chart_goes_out_by_the_quick_and_back_by_the_slow_reading() -> None:
    found = complete([*done(2, 3, 4, 5, 6), journey(left=1)], run_ends_at=LATER, now=NOW)
    chart = charts.draw(found)
    assert chart
    points = [tuple(map(float, point.split(","))) for point in chart.band.split()]
    out, back = points[: len(points) // 2], points[len(points) // 2 :]
    assert [x for x, _ in out] == sorted(x for x, _ in out)
    assert [x for x, _ in back] == sorted((x for x, _ in back), reverse=True)
    assert (out[0][0], out[-1][0], back[0][0], back[-1][0]) == (chart.now_left, 100, 100, chart.now_left)
    # From top to bottom: by the quick reading more is delivered at every moment, and so it is not below the slow one.
    assert all(quick <= slow for (_, quick), (_, slow) in zip(out, reversed(back), strict=True))
    assert any(quick < slow for (_, quick), (_, slow) in zip(out, reversed(back), strict=True))


def test_without_time_between_the_ends_there_is_no_chart() -> None:
    found = complete([journey(assigned=0)], run_ends_at=LATER, now=NOW)
    assert found.curve
    assert charts.draw(found) is None
