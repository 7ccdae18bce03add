"""All of a tracker's episodes under one assignment, as far as what is new can have changed them.

Pure: values in, values out. An evaluation begins where something new was seen. What was stored of the time before
stands: an episode that goes on over the first report is taken from there. So it comes to the same whether reports
are evaluated one by one, all at once, or twice, and in whichever order they came.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from trackers.rules import anomalies
from trackers.rules.anomalies import EvaluatedReport, Leg, SeenHour, StatusPeriod, Thresholds
from trackers.rules.episodes import Differences, Episode, Kind, Stored, compare

OF_REPORTS = (Kind.IMPOSSIBLE_SPEED, Kind.BATTERY_LOW, Kind.OFF_ROUTE, Kind.LEFT_COUNTRY)
CONFIRMED = (Kind.OFF_ROUTE, Kind.LEFT_COUNTRY)
OF_SILENCE = (Kind.SILENT, Kind.NEVER_REPORTED)
# A tracker is evaluated again after this long at the latest: runs, states and thresholds may have changed.
EVALUATE_AGAIN_AFTER = timedelta(hours=24)


class EvaluationInput(NamedTuple):
    """reports: from the change on, and from the last two before it that count. before: the hours that tell the
    rhythm, all of them seen before the change; hours: those since. periods: all, or the latest where
    `periods_are_cut`."""

    reports: Sequence[EvaluatedReport]
    before: Sequence[SeenHour]
    hours: Sequence[SeenHour]
    periods: Sequence[StatusPeriod]
    periods_are_cut: bool
    stored: Sequence[Stored]


class Span(NamedTuple):
    """Reports are expected from `expected_from` on, and count until before `until`; watched: they are expected still.

    kept_from: the retention cutoff, if there is one. Reports from before it are gone, and alerts that ended by then
    are not among the stored ones.
    """

    expected_from: datetime
    until: datetime
    watched: bool
    kept_from: datetime | None = None


class Evaluation(NamedTuple):
    """due_at: when time alone may change something next; None once the assignment is over."""

    differences: Differences
    due_at: datetime | None


class _Part(NamedTuple):
    """Episodes of some kinds, the stored ones that they stand beside, and when time alone may add to them."""

    episodes: list[Episode]
    stored: list[Stored]
    due: list[datetime]


def evaluate(
    given: EvaluationInput, span: Span, *, legs: Sequence[Leg], thresholds: Thresholds, now: datetime
) -> Evaluation:
    """How the stored alerts differ from what is given says at `now`."""
    present = min(now, span.until)
    parts = (
        _by_reports(given, span, legs, thresholds),
        _by_silence(given, span, thresholds, present),
        _by_history(given, thresholds, present),
    )
    episodes = [episode for part in parts for episode in part.episodes if not _stands(episode, span)]
    stored = [row for part in parts for row in part.stored]
    if span.until <= now:
        return Evaluation(compare(stored, [episode.ended_by(span.until) for episode in episodes]), None)
    due = [moment for part in parts for moment in part.due if moment > now]
    return Evaluation(compare(stored, episodes), min(*due, span.until, now + EVALUATE_AGAIN_AFTER))


def _stands(episode: Episode, span: Span) -> bool:
    """Whether it was over by the retention cutoff, and so is as it was stored."""
    return bool(span.kept_from and episode.ended_at and episode.ended_at <= span.kept_from)


def _by_reports(given: EvaluationInput, span: Span, legs: Sequence[Leg], thresholds: Thresholds) -> _Part:
    reports = given.reports
    stored = [row for row in given.stored if row.episode.kind in OF_REPORTS]
    if not reports:
        gone = [row.episode for row in stored if span.kept_from and row.episode.began_at < span.kept_from]
        return _Part(gone, stored, [])
    first = reports[0].seen_at
    stored = [row for row in stored if _lasts_beyond(row.episode, first)]
    ongoing = {row.episode.kind: row.episode for row in stored if _has_certainly_begun(row.episode, first)}
    counting = [report for report in reports if report.counts]
    episodes = [
        *anomalies.impossible_speed(reports, ongoing=ongoing.get(Kind.IMPOSSIBLE_SPEED)),
        *anomalies.battery_low(counting, ongoing=ongoing.get(Kind.BATTERY_LOW)),
        *anomalies.off_route(
            counting,
            legs,
            detour=thresholds.off_route_detour,
            slack_m=thresholds.off_route_slack_m,
            ongoing=ongoing.get(Kind.OFF_ROUTE),
        ),
        *anomalies.left_country(counting, ongoing=ongoing.get(Kind.LEFT_COUNTRY)),
    ]
    return _Part(episodes, stored, [])


def _by_silence(given: EvaluationInput, span: Span, thresholds: Thresholds, present: datetime) -> _Part:
    """Silence is none of a tracker that nobody fetches: what is open ends, and what was stays."""
    before, hours = given.before, given.hours
    stored = [row for row in given.stored if row.episode.kind in OF_SILENCE]
    if not span.watched:
        open_ = [row for row in stored if row.episode.ended_at is None]
        return _Part([row.episode.ended_by(present) for row in open_], open_, [])
    episodes, becomes_silent_at = anomalies.silent(before, hours, until=present, thresholds=thresholds)
    due = [becomes_silent_at] if becomes_silent_at else []
    if before:
        seen_at = before[-1].last_seen_at
        stored = [
            row for row in stored if row.episode.kind == Kind.SILENT and _lasts_beyond(row.episode, seen_at)
        ]
        return _Part(episodes, stored, due)
    first = hours[0].first_seen_at if hours else None
    episodes += anomalies.never_reported(
        first, since=span.expected_from, until=present, thresholds=thresholds
    )
    if not hours:
        due = [span.expected_from + thresholds.never_reported_after]
    return _Part(episodes, stored, due)


def _by_history(given: EvaluationInput, thresholds: Thresholds, present: datetime) -> _Part:
    periods = given.periods
    stored = [row for row in given.stored if row.episode.kind not in (*OF_REPORTS, *OF_SILENCE)]
    if given.periods_are_cut:
        stored = [row for row in stored if _lasts_beyond(row.episode, periods[0].started_at)]
    long_ones, becomes_long_at = anomalies.long_periods(periods, until=present, thresholds=thresholds)
    episodes = [
        *anomalies.left_delivery(periods),
        *anomalies.back_to_storage(periods, back_after=thresholds.back_after),
        *long_ones,
    ]
    return _Part(episodes, stored, [becomes_long_at] if becomes_long_at else [])


def _has_certainly_begun(episode: Episode, first: datetime) -> bool:
    """Whether nothing from `first` on decides that it began: one that begins there may wait for confirmation."""
    return episode.began_at < first or (episode.began_at == first and episode.kind not in CONFIRMED)


def _lasts_beyond(episode: Episode, moment: datetime) -> bool:
    return episode.ended_at is None or episode.ended_at > moment
