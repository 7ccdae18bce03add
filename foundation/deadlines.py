"""A budget of time, measured by the clock that the caller was given: nothing here asks the machine."""

from collections.abc import Callable
from datetime import datetime, timedelta

Clock = Callable[[], datetime]


class Deadline:
    """The moment at which work that was given a budget of time has to end.

    clock: returns an aware datetime. budget: a timedelta, or seconds; `math.inf` for no deadline at all.
    """

    def __init__(self, clock: Clock, budget: timedelta | float) -> None:
        self._clock = clock
        self._budget_s = budget.total_seconds() if isinstance(budget, timedelta) else float(budget)
        self.began_at = clock()

    @property
    def elapsed(self) -> timedelta:
        """The time since the deadline was set."""
        return self._clock() - self.began_at

    @property
    def left_s(self) -> float:
        """The seconds until the deadline; 0 if it has passed."""
        return max(0.0, self._budget_s - self.elapsed.total_seconds())

    @property
    def passed(self) -> bool:
        return self.elapsed.total_seconds() >= self._budget_s
