"""Windows against whole recomputation: every short series of reports, with a new report at each of its positions."""

from dataclasses import dataclass
from datetime import timedelta
from itertools import combinations, product

import pytest

from tests.factories import NOW, make_fingerprint
from trackers.rules import timeline
from trackers.rules.comparison import StoredPeriod
from trackers.rules.timeline import CREATED, Candidate, Sighting
from trackers.services.history import windows
from trackers.services.history.windows import Position, Scope

A, B = 1, 2
# Where a report was: inside one fence or both, at the edge of one, which holds only who is there already, or nowhere.
NEAR = {
    "A": (Candidate(A, False, True, -50.0, 50.0),),
    "a": (Candidate(A, False, False, 5.0, 105.0),),
    "D": (Candidate(B, True, True, -50.0, 50.0),),
    "b": (Candidate(B, True, False, 5.0, 105.0), Candidate(A, False, True, -10.0, 90.0)),
    "-": (),
}
MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class Search:
    confirmations: int
    places: str
    reports: int
    new_reports: int


SEARCHES = [Search(2, "AaDb-", 4, 1), Search(2, "AD-", 5, 2), Search(3, "AD-", 6, 1), Search(3, "Ab-", 6, 1)]


def report(place, minute):
    return Sighting(NOW + minute * MINUTE, make_fingerprint(minute), 10.0, NEAR[place])


def position_of(sighting):
    return Position(sighting.seen_at, sighting.fingerprint)


def scope_with(confirmations):
    long = timedelta(days=365)
    return Scope(
        assignment_id=1,
        tracker_id=1,
        run_id=1,
        since=NOW - long,
        until=NOW + long,
        ends_at=None,
        max_accuracy_m=500,
        exit_accuracy_cap_m=100,
        confirmations=confirmations,
        kept_from=None,
        began_at=NOW - long,
        activated_at=None,
    )


def stored_before(history, position):
    """The last two status periods that began before a position, latest first, as the store has them."""
    began = [it for it in history.periods if Position(it.started_at, it.fingerprint) < position]
    return [StoredPeriod(0, it, None) for it in reversed(began[-2:])]


def recomputed_in_window(old, new, scope):
    """What is stored after `new` reports came late to `old` ones: what stood before the window, then what it says."""
    history = timeline.derive(old, confirmations=scope.confirmations)
    first = min(map(position_of, new))
    earlier = sorted((position_of(it) for it in old if position_of(it) < first), reverse=True)
    window = windows._window(
        scope,
        first,
        stored_before(history, first),
        earlier[: windows._reports_that_decide(scope)],
    )
    seen = [it for it in sorted([*old, *new]) if position_of(it) >= window.position]
    told = timeline.derive(seen, confirmations=scope.confirmations, start=window.start)
    periods = [it for it in history.periods if Position(it.started_at, it.fingerprint) < window.position]
    events = [it for it in history.events if Position(it.occurred_at, it.fingerprint) < window.position]
    return timeline.Timeline(periods + told.periods, events + told.events)


def first_difference(search):
    """A series of places, with the new ones in brackets, of which the window tells something else than the whole."""
    scope = scope_with(search.confirmations)
    for length in range(search.reports + search.new_reports):
        for places in product(search.places, repeat=length + 1):
            series = [report(place, minute) for minute, place in enumerate(places)]
            whole = timeline.derive(series, confirmations=scope.confirmations)
            for late in combinations(range(length + 1), search.new_reports):
                new = [series[number] for number in late]
                old = [it for number, it in enumerate(series) if number not in late]
                if recomputed_in_window(old, new, scope) != whole:
                    return "".join(f"({it})" if number in late else it for number, it in enumerate(places))
    return None


@pytest.mark.parametrize("search", SEARCHES, ids=str)
def test_a_late_report_at_any_position_leaves_what_recomputing_everything_would(search):
    assert first_difference(search) is None


@pytest.mark.parametrize("confirmations", [2, 3])
def test_one_report_fewer_would_not_be_enough(confirmations, monkeypatch):
    monkeypatch.setattr(windows, "_reports_that_decide", lambda scope: scope.confirmations - 1)
    assert first_difference(Search(confirmations, "AD-", 6, 1)) is not None


def test_windows_begin_as_the_documentation_shows():
    """docs/timeline.md: in storage since *a*, two confirmations."""
    scope = scope_with(2)
    a, b, c, d = (report("A", minute) for minute in (0, 10, 20, 30))
    history = timeline.derive([a, b, c, d], confirmations=2)

    def window_after(*earlier):
        position = Position(earlier[0].seen_at + MINUTE, b"")
        return windows._window(
            scope, position, stored_before(history, position), [position_of(it) for it in earlier]
        )

    between_b_and_c, between_a_and_b = window_after(b, a), window_after(a)
    assert (between_b_and_c.position, between_b_and_c.start.location_id) == (position_of(b), A)
    assert (between_a_and_b.position, between_a_and_b.start) == (position_of(a), CREATED)
