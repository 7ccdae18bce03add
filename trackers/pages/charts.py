"""The chart of a completion as coordinates: 0 to 100 from left to right and from top to bottom.

Pure: values in, values out.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from trackers.analytics.completion import Completion
from trackers.pages.strips import Tick, ticks

FULL = 100.0


class Chart(NamedTuple):
    """Points as SVG has them, `x,y x,y …`. line: delivered until now; usual and band: expected after now.

    now_left: where now is.
    """

    start: datetime
    end: datetime
    line: str
    usual: str
    band: str
    now_left: float
    ticks: list[Tick]


def draw(completion: Completion) -> Chart | None:
    """From the first assignment to the last expected delivery; None without a tracker."""
    if not completion.curve:
        return None
    start, now = completion.curve[0].at, completion.curve[-1].at
    end = completion.expected[-1].at if completion.expected else now
    if end <= start:
        return None

    def left(at: datetime) -> float:
        return round(FULL * ((at - start) / (end - start)), 2)

    def points(values: Iterable[tuple[datetime, float]]) -> str:
        return " ".join(f"{left(at)},{round(FULL * (1 - share), 2)}" for at, share in values)

    quick = [(each.at, each.quick) for each in completion.expected]
    slow = [(each.at, each.slow) for each in completion.expected]
    return Chart(
        start,
        end,
        line=points(completion.curve),
        usual=points((each.at, each.usual) for each in completion.expected),
        band=points([*quick, *reversed(slow)]),
        now_left=left(now),
        ticks=ticks(start, end),
    )
