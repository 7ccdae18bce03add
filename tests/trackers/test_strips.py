"""The strip's geometry."""

from datetime import UTC, datetime, timedelta

import pytest

from trackers.pages.strips import MAX_TICKS, Span, draw

END = datetime(2026, 3, 10, 12, tzinfo=UTC)
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


def strip(*spans: Span, days: float = 10, seen: tuple[datetime, ...] = ()):
    return draw(spans, seen_hours=seen, start=END - days * DAY, end=END)


def test_a_period_has_its_share_of_the_window() -> None:
    [segment] = strip(Span("IN_TRANSIT", "", END - 4 * DAY, END - 2 * DAY)).segments
    assert (segment.left, segment.width) == (60, 20)


def test_a_period_that_lasts_reaches_the_end() -> None:
    [segment] = strip(Span("DELIVERED", "", END - DAY, None)).segments
    assert (segment.left, segment.width, segment.ended_at) == (90, 10, END)


def test_a_period_is_cut_at_the_window() -> None:
    [segment] = strip(Span("IN_STORAGE", "", END - 30 * DAY, END - 5 * DAY)).segments
    assert (segment.left, segment.width, segment.started_at) == (0, 50, END - 10 * DAY)


@pytest.mark.parametrize(
    "span",
    [
        Span("A", "", END - 20 * DAY, END - 10 * DAY),
        Span("A", "", END, None),
        Span("A", "", END - DAY, END - DAY),
    ],
)
def test_what_is_outside_or_empty_is_left_out(span: Span) -> None:
    assert strip(span).segments == []


def test_hours_that_follow_one_another_are_one_mark() -> None:
    hours = (END - 5 * HOUR, END - 4 * HOUR, END - 2 * HOUR)
    marks = strip(days=1, seen=hours).marks
    assert [(mark.started_at, mark.ended_at) for mark in marks] == [
        (END - 5 * HOUR, END - 3 * HOUR),
        (END - 2 * HOUR, END - HOUR),
    ]


@pytest.mark.parametrize("days", [1, 7, 30, 90])
def test_axis_has_a_few_round_ticks(days: int) -> None:
    ticks = strip(days=days).ticks
    assert 4 <= len(ticks) <= MAX_TICKS + 1
    assert [tick.left for tick in ticks] == sorted(tick.left for tick in ticks)
    assert all(0 <= tick.left <= 95 for tick in ticks)
