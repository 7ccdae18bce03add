"""A budget of time by a clock that was handed in."""

import math
from datetime import timedelta

import pytest

from foundation.deadlines import Deadline
from tests.factories import NOW


class HandClock:
    """Does not run until it is moved."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self):
        return self.now


@pytest.mark.parametrize("budget", [10, timedelta(seconds=10)])
def test_deadline_passes_when_the_budget_is_used_up(budget):
    clock = HandClock()
    deadline = Deadline(clock, budget)
    assert (deadline.passed, deadline.left_s) == (False, 10)
    clock.now += timedelta(seconds=9.75)
    assert (deadline.passed, deadline.left_s) == (False, 0.25)
    clock.now += timedelta(seconds=0.25)
    assert (deadline.passed, deadline.left_s) == (True, 0)
    clock.now += timedelta(hours=1)
    assert (deadline.passed, deadline.left_s) == (True, 0)


def test_elapsed_time_counts_from_the_beginning():
    clock = HandClock()
    deadline = Deadline(clock, 1)
    clock.now += timedelta(minutes=3)
    assert (deadline.began_at, deadline.elapsed) == (NOW, timedelta(minutes=3))


@pytest.mark.parametrize("budget", [0, -1, timedelta(0)])
def test_no_budget_has_passed_at_once(budget):
    assert Deadline(HandClock(), budget).passed


def test_endless_budget_never_passes():
    clock = HandClock()
    deadline = Deadline(clock, math.inf)
    clock.now += timedelta(days=40_000)
    assert (deadline.passed, deadline.left_s) == (False, math.inf)
