"""What was changed of a fence or a run, and for which time, runs and reports that can matter. Pure."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any, NamedTuple


class Fence(NamedTuple):
    """What decides about arrivals at a location. shape: the area, or the centre of a circle of radius_m (0 for an
    area), in any type that compares. runs: names by id."""

    kind: str
    shape: Any
    radius_m: float
    active_from: datetime | None
    active_until: datetime | None
    runs: dict[int, str]


class Run(NamedTuple):
    """What decides about arrivals in a run; the dates are inclusive."""

    start_date: date
    end_date: date
    max_accuracy_m: int
    exit_accuracy_cap_m: int
    entry_accuracy_factor: int
    max_speed_kmh: int
    confirmations: int


class AffectedReports(NamedTuple):
    """Which reports can mean something else now: those seen in [since, until) (None: without a bound) in the runs.

    Where only_near is false, all trackers of the runs count, wherever they were seen.
    """

    change: str
    run_ids: list[int]
    since: datetime | None
    until: datetime | None
    only_near: bool


def of_fence(before: Fence | None, after: Fence) -> AffectedReports | None:
    """The reports that a changed or new fence affects; None if nothing that decides was changed."""
    if before is None:
        return AffectedReports("new fence", sorted(after.runs), after.active_from, after.active_until, True)
    words = [*_words_of_fence(before, after), *_words_of_runs(before.runs, after.runs)]
    if not words:
        return None
    same_fence = before._replace(runs={}) == after._replace(runs={})
    if same_fence:
        runs = before.runs.keys() ^ after.runs.keys()
        return AffectedReports("; ".join(words), sorted(runs), after.active_from, after.active_until, True)
    runs = before.runs.keys() | after.runs.keys()
    times = before._replace(active_from=None, active_until=None) == after._replace(
        active_from=None, active_until=None
    )
    if times:
        since, until = _changed_span(
            (before.active_from, after.active_from), (before.active_until, after.active_until)
        )
    else:
        since = _earliest(before.active_from, after.active_from)
        until = _latest(before.active_until, after.active_until)
    return AffectedReports("; ".join(words), sorted(runs), since, until, True)


def of_run(run_id: int, before: Run, after: Run) -> AffectedReports | None:
    """The reports that a changed run affects; None if nothing that decides was changed."""
    words = [
        f"{title} {getattr(before, name)} → {getattr(after, name)}"
        for name, title in (
            ("start_date", "first day"),
            ("end_date", "last day"),
            ("max_accuracy_m", "least accuracy (m)"),
            ("exit_accuracy_cap_m", "error circle on leaving (m)"),
            ("entry_accuracy_factor", "accuracy to enter (radii)"),
            ("max_speed_kmh", "highest believable speed (km/h)"),
            ("confirmations", "confirming reports"),
        )
        if getattr(before, name) != getattr(after, name)
    ]
    if not words:
        return None
    if before._replace(start_date=after.start_date, end_date=after.end_date) != after:
        return AffectedReports("; ".join(words), [run_id], None, None, False)
    since, until = _changed_span(
        (_midnight(before.start_date), _midnight(after.start_date)),
        (_midnight_after(before.end_date), _midnight_after(after.end_date)),
    )
    return AffectedReports("; ".join(words), [run_id], since, until, True)


def _words_of_fence(before: Fence, after: Fence) -> list[str]:
    words = []
    if before.kind != after.kind:
        words.append(f"kind {before.kind.lower()} → {after.kind.lower()}")
    if before.shape != after.shape:
        words.append("moved" if before.radius_m and after.radius_m else "another area")
    if before.radius_m != after.radius_m and before.radius_m and after.radius_m:
        words.append(f"radius {before.radius_m:g} → {after.radius_m:g} m")
    if before.active_from != after.active_from:
        words.append(f"active from {_told(before.active_from)} → {_told(after.active_from)}")
    if before.active_until != after.active_until:
        words.append(f"active until {_told(before.active_until)} → {_told(after.active_until)}")
    return words


def _words_of_runs(before: dict[int, str], after: dict[int, str]) -> list[str]:
    added = sorted(after[run_id] for run_id in after.keys() - before.keys())
    removed = sorted(before[run_id] for run_id in before.keys() - after.keys())
    words = [f"added to {', '.join(added)}"] if added else []
    return words + ([f"taken out of {', '.join(removed)}"] if removed else [])


def _changed_span(
    beginnings: tuple[datetime | None, datetime | None], ends: tuple[datetime | None, datetime | None]
) -> tuple[datetime | None, datetime | None]:
    """The hull of the times that one of two periods has and the other has not."""
    if beginnings[0] == beginnings[1]:
        known = [moment for moment in ends if moment is not None]
        return min(known), _latest(*ends)
    if ends[0] == ends[1]:
        known = [moment for moment in beginnings if moment is not None]
        return _earliest(*beginnings), max(known)
    return _earliest(*beginnings), _latest(*ends)


def _earliest(*moments: datetime | None) -> datetime | None:
    known = [moment for moment in moments if moment is not None]
    return min(known) if len(known) == len(moments) else None


def _latest(*moments: datetime | None) -> datetime | None:
    known = [moment for moment in moments if moment is not None]
    return max(known) if len(known) == len(moments) else None


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _midnight_after(day: date) -> datetime | None:
    return None if day == date.max else _midnight(day + timedelta(days=1))


def _told(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M}" if moment else "always"
