"""The pace of a recomputation: as much as is done in time, going by the batch before."""

from datetime import timedelta

import pytest

from tests.factories import NOW
from trackers.services.recomputation import pacing
from trackers.services.recomputation.pacing import Pace


@pytest.mark.parametrize(
    ("reports", "took_s", "expected"),
    [
        (500, 0.2, 500),
        (500, 0.4, 250),
        (4_000, 0.8, 1_000),
        (500, 0.15, 666),
        (500, 0.001, 1_000),
        (10, 0.001, pacing.LEAST),
        (500, 30.0, pacing.LEAST),
        (8_000, 0.1, pacing.MOST),
        (0, 0.0, pacing.LEAST),
    ],
)
def test_next_batch_holds_what_is_done_in_time_and_at_most_twice_as_many(
    reports, took_s, expected, monkeypatch
):
    monkeypatch.setattr(pacing, "PAUSE_S", 0)
    pace = Pace(lambda: NOW)
    assert pace.reports == pacing.FIRST
    pace.pause(reports=reports, began_at=NOW - timedelta(seconds=took_s))
    assert pace.reports == expected


def test_those_who_wait_have_a_moment_after_each_batch(monkeypatch):
    pauses = []
    monkeypatch.setattr(pacing.time, "sleep", pauses.append)
    Pace(lambda: NOW).pause(reports=500, began_at=NOW)
    assert pauses == [pacing.PAUSE_S]
