"""The rules of the timeline, one by one, on measured reports: no database."""

from datetime import timedelta
from itertools import pairwise

import pytest

from tests.factories import NOW, make_fingerprint
from trackers.rules.timeline import CREATED, IN_TRANSIT, EventType, Place, Policy, Status, derive, locate
from trackers.rules.verdicts import Candidate, Report, Verdict

MINUTE = timedelta(minutes=1)
A, B, D = 1, 2, 9  # D is the delivery location
NAMES = {A: "A", B: "B", D: "D", None: "-"}


def storage(location_id=A, *, inside=True, gap_m=-50.0, centre_m=50.0, radius_m=100.0):
    return Candidate(location_id, False, inside, gap_m, centre_m, radius_m)


def delivery(location_id=D, *, inside=True, gap_m=-50.0, centre_m=50.0, radius_m=100.0):
    return Candidate(location_id, True, inside, gap_m, centre_m, radius_m)


def outside(location_id, gap_m):
    return Candidate(location_id, location_id == D, False, gap_m, 100.0 + gap_m, 100.0)


def report(*candidates, minute=0, reach_m=0.0, accuracy_m=10.0):
    seen_at = NOW + minute * MINUTE
    return Report(
        seen_at, make_fingerprint(minute), 52.0, 5.0, accuracy_m, reach_m, Verdict.COUNTS, candidates
    )


def policy(confirmations=1, factor=3):
    return Policy(confirmations, factor)


def at(location_id):
    return Place(Status.DELIVERED if location_id == D else Status.IN_STORAGE, location_id)


def seen_at_places(places):
    """One report a minute: `AA-D` is twice in A, then nowhere, then in D."""
    inside = {"A": (storage(A),), "B": (storage(B),), "D": (delivery(D),), "-": ()}
    return [report(*inside[place], minute=minute) for minute, place in enumerate(places)]


def told(places, confirmations=1, start=CREATED):
    """The stays as `minute:place` and the events as `minute:type place`."""
    timeline = derive(seen_at_places(places), policy=policy(confirmations), start=start)
    periods = [f"{minute(it.started_at)}:{NAMES[it.place.location_id]}" for it in timeline.periods]
    events = [f"{minute(it.occurred_at)}:{it.type} {NAMES[it.location_id]}" for it in timeline.events]
    return " ".join(periods), events


def minute(moment):
    return (moment - NOW) // MINUTE


@pytest.mark.parametrize(
    ("candidates", "here", "reach_m", "expected"),
    [
        pytest.param((), CREATED, 0, IN_TRANSIT, id="nowhere"),
        pytest.param((), at(A), 0, IN_TRANSIT, id="gone"),
        pytest.param((storage(),), IN_TRANSIT, 0, at(A), id="inside"),
        pytest.param((outside(A, 0.1),), IN_TRANSIT, 100, IN_TRANSIT, id="error circle makes no entry"),
        pytest.param((outside(A, 80),), at(A), 80, at(A), id="error circle touches the fence"),
        pytest.param((outside(A, 80.1),), at(A), 80, IN_TRANSIT, id="error circle touches no more"),
        pytest.param((outside(A, 80),), at(B), 100, IN_TRANSIT, id="only where it already is"),
        pytest.param((storage(A), delivery(D, centre_m=99)), IN_TRANSIT, 0, at(D), id="delivery first"),
        pytest.param((storage(A), delivery(D)), at(A), 0, at(D), id="delivery before where it is"),
        pytest.param((outside(D, 10), storage(A)), at(D), 20, at(D), id="still in the delivery"),
        pytest.param((outside(A, 10), delivery(D)), at(A), 20, at(D), id="still in, but delivery here"),
        pytest.param((storage(A, centre_m=90), storage(B, centre_m=5)), at(A), 0, at(A), id="stays put"),
        pytest.param((outside(A, 10), storage(B, centre_m=5)), at(A), 20, at(A), id="still in beats nearer"),
        pytest.param((storage(A, centre_m=6), storage(B, centre_m=5)), IN_TRANSIT, 0, at(B), id="nearest"),
        pytest.param((storage(A, centre_m=6), storage(B, centre_m=5)), at(D), 0, at(B), id="nearest after D"),
        pytest.param((storage(B), storage(A)), IN_TRANSIT, 0, at(A), id="lowest id on a tie"),
        pytest.param((delivery(8, centre_m=7), delivery(D, centre_m=6)), at(A), 0, at(D), id="near delivery"),
    ],
)
def test_where_it_is(candidates, here, reach_m, expected):
    assert locate(report(*candidates, reach_m=reach_m), here, policy()) == expected
    assert locate(report(*reversed(candidates), reach_m=reach_m), here, policy()) == expected


@pytest.mark.parametrize(
    ("places", "periods", "events"),
    [
        ("", "", []),
        ("-", "0:-", ["0:TRANSIT -"]),
        ("--", "0:-", ["0:TRANSIT -", "1:TRANSIT -"]),
        ("A", "0:A", ["0:ENTRY A"]),
        ("-A", "0:- 1:A", ["0:TRANSIT -", "1:ENTRY A"]),
        ("AA", "0:A", ["0:ENTRY A", "1:DWELL A"]),
        ("A-", "0:A 1:-", ["0:ENTRY A", "1:EXIT A"]),
        ("A--", "0:A 1:-", ["0:ENTRY A", "1:EXIT A", "2:TRANSIT -"]),
        ("AB", "0:A 1:B", ["0:ENTRY A", "1:EXIT A", "1:ENTRY B"]),
        ("AD", "0:A 1:D", ["0:ENTRY A", "1:EXIT A", "1:ENTRY D"]),
        ("A-A", "0:A 1:- 2:A", ["0:ENTRY A", "1:EXIT A", "2:ENTRY A"]),
    ],
)
def test_events_and_history_of_each_change(places, periods, events):
    assert told(places) == (periods, events)


@pytest.mark.parametrize(
    ("places", "confirmations", "periods", "events"),
    [
        pytest.param("A", 2, "0:-", ["0:TRANSIT -"], id="the first report waits, in transit"),
        pytest.param("AA", 2, "0:A", ["0:ENTRY A", "1:DWELL A"], id="confirmed, dated at the first"),
        pytest.param("AA", 3, "0:-", ["0:TRANSIT -", "1:TRANSIT -"], id="two are not three"),
        pytest.param(
            "-A-", 2, "0:-", ["0:TRANSIT -", "1:TRANSIT -", "2:TRANSIT -"], id="an over-confident fix"
        ),
        pytest.param("AB", 2, "0:-", ["0:TRANSIT -", "1:TRANSIT -"], id="another place starts again"),
        pytest.param(
            "ABB", 2, "0:- 1:B", ["0:TRANSIT -", "1:ENTRY B", "2:DWELL B"], id="the other is confirmed"
        ),
        pytest.param(
            "AA-A--",
            2,
            "0:A 4:-",
            ["0:ENTRY A", "1:DWELL A", "2:DWELL A", "3:DWELL A", "4:EXIT A", "5:TRANSIT -"],
            id="the old place starts the count again",
        ),
        pytest.param(
            "AABB",
            2,
            "0:A 2:B",
            ["0:ENTRY A", "1:DWELL A", "2:EXIT A", "2:ENTRY B", "3:DWELL B"],
            id="from place to place",
        ),
        pytest.param(
            "AAA-B-BBB",
            3,
            "0:A 6:B",
            [
                "0:ENTRY A",
                *(f"{n}:DWELL A" for n in range(1, 6)),
                "6:EXIT A",
                "6:ENTRY B",
                "7:DWELL B",
                "8:DWELL B",
            ],
            id="three in a row",
        ),
    ],
)
def test_change_counts_once_enough_reports_agree(places, confirmations, periods, events):
    assert told(places, confirmations) == (periods, events)


def test_reports_that_wait_are_measured_from_the_place_that_still_counts():
    """Near A's edge means A while A counts, even when an earlier report has said nowhere."""
    edge = outside(A, 30)
    seen = [
        report(storage(A), minute=0),
        report(storage(A), minute=1),
        report(minute=2),
        report(edge, minute=3, reach_m=40),
        report(minute=4),
    ]
    timeline = derive(seen, policy=policy(2))
    assert [it.type for it in timeline.events] == [EventType.ENTRY, *[EventType.DWELL] * 4]


def test_derivation_goes_on_from_a_place_without_a_row_of_its_own():
    assert told("AA-", start=at(A)) == ("2:-", ["0:DWELL A", "1:DWELL A", "2:EXIT A"])
    assert told("-", start=IN_TRANSIT) == ("", ["0:TRANSIT -"])


def test_each_report_makes_one_event_or_an_exit_with_an_entry():
    places = "-AAB-DDA--BD-"
    timeline = derive(seen_at_places(places), policy=policy())
    for index, seen in enumerate(seen_at_places(places)):
        types = [it.type for it in timeline.events if it.fingerprint == seen.fingerprint]
        assert len(types) == 1 or types == [EventType.EXIT, EventType.ENTRY], index


@pytest.mark.parametrize("confirmations", [1, 2, 3])
def test_crossings_carry_the_stay_that_they_begin_and_others_none(confirmations):
    timeline = derive(seen_at_places("--AAABBB---DDDD-DAAA"), policy=policy(confirmations))
    for event in timeline.events:
        if event.type in (EventType.ENTRY, EventType.EXIT):
            assert (event.period.started_at, event.period.fingerprint) == (
                event.occurred_at,
                event.fingerprint,
            )
            assert event.period in timeline.periods
        else:
            assert event.period is None
    assert all(earlier.place != later.place for earlier, later in pairwise(timeline.periods))


@pytest.mark.parametrize(
    ("accuracy_m", "factor", "here", "expected"),
    [
        pytest.param(33.0, 3, IN_TRANSIT, at(A), id="just precise enough"),
        pytest.param(33.1, 3, IN_TRANSIT, IN_TRANSIT, id="not precise enough to enter"),
        pytest.param(11.1, 1, IN_TRANSIT, IN_TRANSIT, id="another factor"),
        pytest.param(None, 1, IN_TRANSIT, at(A), id="unknown"),
        pytest.param(200.0, 1, at(A), at(A), id="whoever is there stays"),
        pytest.param(33.1, 3, at(B), IN_TRANSIT, id="no entry, and gone from where it was"),
    ],
)
def test_only_a_report_that_is_precise_enough_enters(accuracy_m, factor, here, expected):
    small = storage(A, gap_m=-5.0, centre_m=6.0, radius_m=11.0)
    assert locate(report(small, accuracy_m=accuracy_m), here, policy(factor=factor)) == expected


def test_the_next_nearest_fence_that_is_large_enough_is_entered():
    small, large = storage(A, centre_m=6.0, radius_m=11.0), storage(B, centre_m=40.0, radius_m=300.0)
    assert locate(report(small, large, accuracy_m=80.0), IN_TRANSIT, policy()) == at(B)


def test_reports_that_confirm_are_each_precise_enough():
    small = storage(A, radius_m=11.0)
    vague = report(small, minute=1, accuracy_m=80.0)
    seen = [report(small, minute=0), vague, report(small, minute=2), report(small, minute=3)]
    timeline = derive(seen, policy=policy(2))
    assert [(minute(it.started_at), it.place) for it in timeline.periods] == [(0, IN_TRANSIT), (2, at(A))]
