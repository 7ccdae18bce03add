from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestion.backoff import MAX_FACTOR, Pace, factor_after_failure, next_due

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
PACE = Pace(interval=timedelta(minutes=20), longest=timedelta(hours=6))


def test_failures_double_the_factor_up_to_sixteen():
    factors = [1]
    for _ in range(6):
        factors.append(factor_after_failure(factors[-1]))

    assert factors == [1, 2, 4, 8, 16, 16, 16]


@pytest.mark.parametrize(("factor", "minutes"), [(1, 20), (2, 40), (4, 80), (8, 160), (16, 320)], ids=str)
def test_the_delay_without_jitter(factor, minutes):
    assert next_due(now=NOW, factor=factor, pace=PACE, draw=0.0) == NOW + timedelta(minutes=minutes)


@pytest.mark.parametrize(("hours", "minutes"), [(6, 320), (4, 240), (1, 60), (0.1, 20)])
def test_the_longest_backoff_caps_the_delay_but_never_below_an_interval(hours, minutes):
    pace = PACE._replace(longest=timedelta(hours=hours))

    assert next_due(now=NOW, factor=16, pace=pace, draw=0.0) == NOW + timedelta(minutes=minutes)


@given(
    seconds=st.floats(0, 86_400),
    factor=st.sampled_from([1, 2, 4, 8, 16]),
    draw=st.floats(0, 1),
    interval_s=st.sampled_from([6, 30, 1200, 3600]),
    longest_s=st.sampled_from([60, 3600, 21_600]),
)
def test_due_times_stay_between_nine_tenths_and_the_cap(seconds, factor, draw, interval_s, longest_s):
    now = NOW + timedelta(seconds=seconds)
    pace = Pace(timedelta(seconds=interval_s), timedelta(seconds=longest_s))
    nominal = min(pace.interval * factor, max(pace.longest, pace.interval))

    delay = next_due(now=now, factor=factor, pace=pace, draw=draw) - now

    assert nominal * 0.95 - pace.interval * 0.1 <= delay <= max(pace.longest, pace.interval)


def test_load_spreads_and_neighbours_share_a_moment():
    moments = {
        next_due(now=NOW + timedelta(seconds=second), factor=1, pace=PACE, draw=second / 1200)
        for second in range(1200)
    }

    assert 9 <= len(moments) <= 12
    assert MAX_FACTOR == 16
