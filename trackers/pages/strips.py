"""The status timeline as a strip: status periods and hours with reports, as percentages of a window of time.

Pure: values in, values out.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import NamedTuple

MAX_TICKS = 8
# Further right there is no room for the text of a tick.
LAST_TICK = 95
_STEPS_H = (1, 3, 6, 12, 24, 48, 24 * 7, 24 * 14, 24 * 30)
_HOUR = timedelta(hours=1)


class Span(NamedTuple):
    """A status period; it lasts until `ended_at`, or still."""

    code: str
    label: str
    started_at: datetime
    ended_at: datetime | None


class Segment(NamedTuple):
    """Part of the strip; left and width are percentages of it. The times are those within the window."""

    code: str
    label: str
    left: float
    width: float
    started_at: datetime
    ended_at: datetime


class Tick(NamedTuple):
    left: float
    text: str


class Strip(NamedTuple):
    start: datetime
    end: datetime
    segments: list[Segment]
    marks: list[Segment]
    ticks: list[Tick]


def draw(spans: Iterable[Span], *, seen_hours: Iterable[datetime], start: datetime, end: datetime) -> Strip:
    """The window from `start` to `end`; `seen_hours` are the beginnings of the hours with reports, in order."""
    segments = [segment for span in spans if (segment := _segment(span, start, end))]
    marks = [segment for span in _joined(seen_hours) if (segment := _segment(span, start, end))]
    return Strip(start, end, segments, marks, ticks(start, end))


def _segment(span: Span, start: datetime, end: datetime) -> Segment | None:
    begin = max(span.started_at, start)
    until = min(span.ended_at or end, end)
    if begin >= until:
        return None
    whole = end - start
    left = round(100 * ((begin - start) / whole), 3)
    width = round(100 * ((until - begin) / whole), 3)
    return Segment(span.code, span.label, left, width, begin, until)


def _joined(hours: Iterable[datetime]) -> list[Span]:
    """Hours that follow one another as one span."""
    spans: list[Span] = []
    for hour in hours:
        if spans and spans[-1].ended_at == hour:
            spans[-1] = spans[-1]._replace(ended_at=hour + _HOUR)
        else:
            spans.append(Span("SEEN", "Reports", hour, hour + _HOUR))
    return spans


def ticks(start: datetime, end: datetime) -> list[Tick]:
    """Marks of the time from `start` to `end`: round hours or midnights (UTC), at most MAX_TICKS of them."""
    whole = end - start
    step = next((h * _HOUR for h in _STEPS_H if whole / (h * _HOUR) <= MAX_TICKS), _STEPS_H[-1] * _HOUR)
    midnight = start.replace(hour=0, minute=0, second=0, microsecond=0)
    marks = []
    moment = midnight
    while moment <= end:
        left = round(100 * ((moment - start) / whole), 3)
        if 0 <= left <= LAST_TICK:
            text = f"{moment:%d %b}" if moment.hour == 0 else f"{moment:%H:%M}"
            marks.append(Tick(left, text))
        moment += step
    return marks
