"""Windows against whole recomputation: every short series of reports, with a new report at each of its positions."""

from dataclasses import dataclass
from datetime import timedelta
from itertools import combinations, product

import pytest

from tests.factories import NOW, make_fingerprint
from trackers.rules import timeline, verdicts
from trackers.rules.comparison import StoredPeriod
from trackers.rules.timeline import CREATED
from trackers.rules.verdicts import Candidate, Fix, Report, Verdict
from trackers.services.history import windows
from trackers.services.history.windows import Past, Scope

A, B = 1, 2
# Where a report was: inside one fence or both, at the edge of one, which holds only who is there already, or nowhere.
NEAR = {
    "A": (Candidate(A, False, True, -50.0, 50.0, 100.0),),
    "a": (Candidate(A, False, False, 5.0, 105.0, 100.0),),
    "D": (Candidate(B, True, True, -50.0, 50.0, 100.0),),
    "b": (Candidate(B, True, False, 5.0, 105.0, 100.0), Candidate(A, False, True, -10.0, 90.0, 100.0)),
    "-": (),
    # Nowhere, and so far away that nobody gets there or back within minutes; y is as far from x.
    "x": (),
    "y": (),
}
LATITUDES = {"x": 20.0, "y": 40.0}
MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class Search:
    confirmations: int
    places: str
    reports: int
    new_reports: int


SEARCHES = [
    Search(1, "Axy", 6, 1),
    Search(1, "A-x", 5, 2),
    Search(2, "AaDb-", 4, 1),
    Search(2, "AD-", 5, 2),
    Search(2, "Axy", 6, 1),
    Search(2, "ADx", 5, 2),
    Search(3, "AD-", 6, 1),
    Search(3, "Ab-", 6, 1),
    Search(3, "ADx", 6, 1),
]


def report(place, minute):
    seen_at, latitude = NOW + minute * MINUTE, LATITUDES.get(place, 0.0)
    return Report(seen_at, make_fingerprint(minute), latitude, 5.0, 10.0, 10.0, Verdict.COUNTS, NEAR[place])


def fix_of(seen):
    return Fix(seen.seen_at, seen.latitude, seen.longitude, seen.accuracy_m)


def scope_with(confirmations):
    long = timedelta(days=365)
    return Scope(
        assignment_id=1,
        tracker_id=1,
        run_id=1,
        client_id=1,
        since=NOW - long,
        until=NOW + long,
        ends_at=None,
        max_accuracy_m=500,
        exit_accuracy_cap_m=100,
        max_speed_kmh=1000,
        entry_accuracy_factor=3,
        confirmations=confirmations,
        kept_from=None,
        began_at=NOW - long,
        activated_at=None,
    )


def told(reports, scope, *, start=CREATED, last_accepted=None):
    """The verdicts by moment, and the timeline."""
    assessment = verdicts.assess(
        reports,
        max_accuracy_m=scope.max_accuracy_m,
        max_speed_kmh=scope.max_speed_kmh,
        last_accepted=last_accepted,
    )
    derived = timeline.derive(assessment.accepted, policy=scope.policy, start=start)
    return dict(zip([it.seen_at for it in reports], assessment.verdicts, strict=True)), derived


def past_of(reports, stored, moment, wanted):
    """What the store says of the reports before a moment."""
    before = [it for it in reversed(reports) if it.seen_at < moment]
    accepted = [fix_of(it) for it in before if not stored[it.seen_at]][:wanted]
    undecided = [it.seen_at for it in before if stored[it.seen_at] and it.seen_at > accepted[0].seen_at]
    return Past(accepted, undecided[0] if undecided else None)


def stored_before(history, moment):
    """The last two status periods that began before a moment, latest first, as the store has them."""
    began = [it for it in history.periods if it.started_at < moment]
    return [StoredPeriod(0, it, None) for it in reversed(began[-2:])]


def window_after(old, moment, scope):
    stored, history = told(old, scope)
    past = past_of(old, stored, moment, windows._reports_that_decide(scope) + 1)
    decided = windows._decided_until(scope, moment, past)
    return windows._window(scope, decided, stored_before(history, decided), past.accepted)


def recomputed_in_window(old, new, scope):
    """What is stored after `new` reports came late to `old` ones: what stood before the window, then what it says."""
    stored, history = told(old, scope)
    window = window_after(old, min(it.seen_at for it in new), scope)
    seen = [it for it in sorted([*old, *new]) if it.seen_at >= window.since]
    changed, derived = told(seen, scope, start=window.start, last_accepted=window.last_accepted)
    periods = [it for it in history.periods if it.started_at < window.since]
    events = [it for it in history.events if it.occurred_at < window.since]
    return stored | changed, timeline.Timeline(periods + derived.periods, events + derived.events)


def first_difference(search):
    """A series of places, with the new ones in brackets, of which the window tells something else than the whole."""
    scope = scope_with(search.confirmations)
    for length in range(search.reports + search.new_reports):
        for places in product(search.places, repeat=length + 1):
            series = [report(place, minute) for minute, place in enumerate(places)]
            whole = told(series, scope)
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


def test_without_the_reports_that_are_decided_about_it_would_not_be_enough(monkeypatch):
    monkeypatch.setattr(windows, "_decided_until", lambda scope, moment, past: moment)
    assert first_difference(Search(1, "Ax", 4, 1)) is not None


def test_windows_begin_as_the_documentation_shows():
    """docs/timeline.md: in storage since *a*, two confirmations."""
    scope = scope_with(2)
    a, b, c, d = (report("A", minute) for minute in (0, 10, 20, 30))

    between_b_and_c = window_after([a, b, c, d], b.seen_at + MINUTE, scope)
    between_a_and_b = window_after([a, b, c, d], a.seen_at + MINUTE, scope)
    assert (between_b_and_c.since, between_b_and_c.start.location_id) == (b.seen_at, A)
    assert (between_a_and_b.since, between_a_and_b.start) == (a.seen_at, CREATED)
    assert (between_b_and_c.last_accepted, between_a_and_b.last_accepted) == (fix_of(a), None)
