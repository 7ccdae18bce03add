"""Cursors, windows and filters of reports, events and history."""

from datetime import timedelta

import pytest
from django.contrib.gis.geos import Point

from foundation.api.pagination import CursorPages
from tests import factories
from tests.personas import make_period, make_report
from trackers.models import GeofenceEvent, GeoStatus, StatusChange

MAC = "A1:A1:A1:00:00:01"
SERIES = ("reports", "events", "history")


@pytest.fixture
def viewer(as_persona):
    return as_persona("viewer")


@pytest.fixture
def staff(as_persona):
    return as_persona("staff")


def get(client, path: str, status: int = 200):
    response = client.get(path if path.startswith("http") else f"/api/v1/{path}")
    assert response.status_code == status, response.content
    return response.json()


def at(moment) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def walk(client, path: str, between=lambda: None) -> list[list[dict]]:
    """All pages; `between` runs before each but the first."""
    pages = [get(client, path)]
    while pages[-1]["next"]:
        between()
        pages.append(get(client, pages[-1]["next"]))
    return [page["results"] for page in pages]


def test_pages_hold_each_row_once_newest_first(world, viewer):
    for hours in range(3, 10):
        make_report(world.alpha.assignment, world.now - timedelta(hours=hours))
    pages = walk(viewer, f"reports/?tracker={MAC}&page_size=2")
    assert [len(page) for page in pages] == [2, 2, 2, 2, 1]
    times = [row["seen_at"] for page in pages for row in page]
    assert times == sorted(times, reverse=True)
    assert len(set(times)) == 9


def test_pages_stay_put_while_newer_and_older_rows_come_in(world, viewer):
    """Also rows of the same moment as the page's last one: the cursor tells them apart by their key."""
    moment = world.now - timedelta(hours=3)
    for _ in range(5):
        make_report(world.alpha.assignment, moment)
    before = {row["seen_at"] for page in walk(viewer, f"reports/?tracker={MAC}") for row in page}
    pages = walk(
        viewer,
        f"reports/?tracker={MAC}&page_size=3",
        between=lambda: make_report(world.alpha.assignment, world.now),
    )
    seen = [row for page in pages for row in page]
    assert len(seen) == 7
    assert {row["seen_at"] for row in seen} == before


def test_reports_of_several_trackers_share_one_order(world, staff):
    moment = world.now - timedelta(hours=1)
    for assignment in (world.alpha.assignment, world.beta.assignment):
        for _ in range(3):
            make_report(assignment, moment)
    factories.MembershipFactory(user=world.users["viewer"], client=world.beta.client)
    client = world.api_client("viewer")
    pages = walk(client, "reports/?page_size=3")
    rows = [(row["seen_at"], row["tracker"]) for page in pages for row in page]
    assert len(rows) == 10
    assert [seen_at for seen_at, _ in rows] == sorted((each for each, _ in rows), reverse=True)


def test_entry_comes_after_the_exit_of_the_same_report(world, viewer):
    """Newest first: the entry is above."""
    moment = world.now - timedelta(minutes=30)
    other = factories.StorageFactory(name="Alpha annex", runs=[world.alpha.run])
    StatusChange.objects.filter(assignment=world.alpha.assignment).update(ended_at=moment)
    entry_first = make_period(world.alpha.assignment, other, since=moment)
    factories.EventFactory(
        assignment=world.alpha.assignment,
        type=GeofenceEvent.Type.EXIT,
        location=world.alpha.location,
        status_change=entry_first,
        occurred_at=moment,
        fingerprint=entry_first.fingerprint,
    )
    pages = walk(viewer, f"events/?tracker={MAC}&page_size=1")
    assert [page[0]["type"] for page in pages] == ["ENTRY", "EXIT", "ENTRY"]


@pytest.mark.parametrize("series", SERIES)
def test_events_and_history_page_through_all(world, viewer, series):
    for hours in range(10, 15):
        make_period(
            world.alpha.assignment,
            world.alpha.location,
            since=world.now - timedelta(hours=hours),
            until=world.now - timedelta(hours=hours, minutes=-30),
        )
    all_at_once = get(viewer, f"{series}/?tracker={MAC}")
    assert all_at_once["next"] is None
    pages = walk(viewer, f"{series}/?tracker={MAC}&page_size=2")
    assert [row for page in pages for row in page] == all_at_once["results"]


@pytest.mark.parametrize(("series", "default_hours", "max_days"), [("reports", 24, 7), ("events", 24, 31)])
def test_window_is_bounded_without_a_tracker(world, viewer, series, default_hours, max_days):
    for hours in (default_hours - 1, default_hours + 1, max_days * 24 - 1):
        make_report(world.alpha.assignment, world.now - timedelta(hours=hours))
        factories.EventFactory(
            assignment=world.alpha.assignment, occurred_at=world.now - timedelta(hours=hours)
        )
    by_default = len(get(viewer, f"{series}/")["results"])
    widest = f"since={at(world.now - timedelta(days=max_days))}&until={at(world.now)}"
    assert len(get(viewer, f"{series}/?{widest}")["results"]) == by_default + 2
    too_wide = f"since={at(world.now - timedelta(days=max_days, seconds=1))}&until={at(world.now)}"
    assert "since" in get(viewer, f"{series}/?{too_wide}", 400)["errors"]
    assert len(get(viewer, f"{series}/?{too_wide}&tracker={MAC}")["results"]) == by_default + 2


def test_next_page_keeps_the_window_that_was_chosen_by_default(world, viewer):
    for minutes in range(5):
        make_report(world.alpha.assignment, world.now - timedelta(hours=20, minutes=minutes))
    assert "since=" in get(viewer, "reports/?page_size=2")["next"]
    assert "since=" not in get(viewer, f"reports/?page_size=2&tracker={MAC}")["next"]


@pytest.mark.parametrize("series", SERIES)
def test_staff_name_whose_time_series_they_want(world, staff, series):
    problem = get(staff, f"{series}/", 400)
    assert "Name a tracker" in problem["errors"]["tracker"][0]
    for named in (f"tracker={MAC}", f"run={world.alpha.run.pk}", f"client={world.alpha.client.pk}"):
        assert get(staff, f"{series}/?{named}")["results"]


def test_staff_find_crossings_by_location(world, staff):
    location = world.alpha.location.pk
    assert len(get(staff, f"events/?location={location}&type=ENTRY&type=EXIT")["results"]) == 1
    get(staff, f"events/?location={location}&type=DWELL&type=ENTRY", 400)
    get(staff, f"events/?location={location}", 400)
    get(staff, f"events/?location={location}&type=ENTRY&include_retracted=true", 400)
    get(staff, f"events/?location={location}&type=ENTRY&retracted=true", 400)


def test_window_is_half_open(world, viewer):
    moment = world.now - timedelta(days=3)
    make_report(world.alpha.assignment, moment)
    later = at(moment + timedelta(hours=1))
    assert len(get(viewer, f"reports/?tracker={MAC}&since={at(moment)}&until={later}")["results"]) == 1
    earlier = at(moment - timedelta(hours=1))
    assert get(viewer, f"reports/?tracker={MAC}&since={earlier}&until={at(moment)}")["results"] == []


def test_history_holds_the_period_that_began_before_the_window(world, viewer):
    since, until = at(world.now - timedelta(minutes=10)), at(world.now)
    assert len(get(viewer, f"history/?since={since}&until={until}")["results"]) == 1
    before = at(world.now - timedelta(hours=3))
    assert get(viewer, f"history/?until={before}")["results"] == []


def test_usable_follows_the_accuracy_that_the_run_asks_for(world, viewer):
    for accuracy_m, verdict in ((250, ""), (251, "INACCURATE"), (None, "SUPERSEDED")):
        make_report(world.alpha.assignment, world.now, accuracy_m=accuracy_m, verdict=verdict)
    path = f"reports/?tracker={MAC}&since={at(world.now)}"
    rows = get(viewer, path)["results"]
    assert {row["accuracy_m"]: row["usable"] for row in rows} == {250.0: True, 251.0: False, None: True}
    assert {row["accuracy_m"]: row["counted"] for row in rows} == {
        250.0: "yes",
        251.0: "inaccurate",
        None: "superseded",
    }
    assert len(get(viewer, f"{path}&counted=yes")["results"]) == 1
    assert len(get(viewer, f"{path}&counted=inaccurate&counted=superseded")["results"]) == 2
    assert len(get(viewer, f"{path}&usable=true")["results"]) == 2
    assert len(get(viewer, f"{path}&usable=false")["results"]) == 1
    assert len(get(viewer, f"{path}&max_accuracy_m=250")["results"]) == 1


def test_report_outside_of_any_assignment_is_for_staff_and_not_usable(world, staff, viewer):
    before = world.alpha.assignment.period.lower - timedelta(days=1)
    make_report(world.alpha.assignment, before)
    path = f"reports/?tracker={MAC}&until={at(world.alpha.assignment.period.lower)}"
    (row,) = get(staff, path)["results"]
    assert (row["usable"], row["counted"]) == (False, None)
    assert get(viewer, path)["results"] == []


def test_filters_narrow_by_type_status_and_battery(world, viewer):
    factories.EventFactory(assignment=world.alpha.assignment, occurred_at=world.now)
    assert {row["type"] for row in get(viewer, f"events/?tracker={MAC}&type=TRANSIT")["results"]} == {
        "TRANSIT"
    }
    assert len(get(viewer, f"events/?tracker={MAC}&type=TRANSIT&type=ENTRY")["results"]) == 2
    assert get(viewer, f"history/?tracker={MAC}&status=DELIVERED")["results"] == []
    assert len(get(viewer, f"history/?tracker={MAC}&status=IN_STORAGE")["results"]) == 1
    make_report(world.alpha.assignment, world.now, battery="LOW")
    assert len(get(viewer, f"reports/?tracker={MAC}&battery=LOW&battery=CRITICAL")["results"]) == 1


@pytest.mark.parametrize("series", ["events", "history"])
@pytest.mark.parametrize("path", [f"trackers/{MAC}/{{}}/", f"{{}}/?tracker={MAC}"])
def test_retracted_rows_are_for_those_who_ask(world, staff, viewer, as_persona, series, path):
    then = world.now - timedelta(minutes=30)
    wrong = factories.StatusChangeFactory(
        assignment=world.alpha.assignment,
        status=GeoStatus.IN_TRANSIT,
        started_at=then,
        retracted_at=world.now,
    )
    factories.EventFactory(assignment=world.alpha.assignment, occurred_at=then, retracted_at=world.now)
    assert wrong.retracted_at
    path = path.format(series)
    asked = f"{path}{'&' if '?' in path else '?'}include_retracted=true"
    assert len(get(staff, path)["results"]) == len(get(viewer, path)["results"]) == 1
    only = f"{path}{'&' if '?' in path else '?'}retracted=true"
    stands = f"{path}{'&' if '?' in path else '?'}retracted=false"
    for reader in (staff, viewer):
        told = get(reader, asked)["results"]
        assert len(told) == 2
        assert [row["retracted_at"] for row in told if row["retracted_at"]] == [at(world.now)]
        assert [row["retracted_at"] for row in get(reader, only)["results"]] == [at(world.now)]
        assert get(reader, stands)["results"] == get(reader, path)["results"]
    other = as_persona("other_client").get(f"/api/v1/{asked}")
    assert other.status_code == 404 or other.json()["results"] == []


def test_page_size_has_an_upper_bound(world, viewer, monkeypatch):
    monkeypatch.setattr(CursorPages, "max_page_size", 1)
    assert len(get(viewer, f"reports/?tracker={MAC}&page_size=1000")["results"]) == 1


@pytest.mark.parametrize(
    "cursor",
    ["x", "%00", "bnVsbA", "W10", "WzEsMiwzXQ", "WyIyMDI2LTAxLTAxIiwxLCJhYSJd", "A" * 600, "ZZ%F0%9F%98%80"],
)
def test_broken_cursor_is_refused(viewer, cursor):
    problem = get(viewer, f"reports/?tracker={MAC}&cursor={cursor}", 400)
    assert "cursor" in problem["errors"]


def test_cursor_shows_nothing_of_another_client(world, as_persona, staff):
    make_report(world.alpha.assignment, world.now, position=Point(5, 11))
    following = get(staff, f"reports/?tracker={MAC}&page_size=1")["next"]
    assert get(as_persona("other_client"), following)["results"] == []


@pytest.mark.parametrize(
    "query",
    [
        "since=yesterday",
        "since=1999-12-31T00:00:00Z",
        "until=9999-12-31T23:59:59-12:00",
        "tracker=12",
        "tracker=%25s%25",
        "run=0",
        "run=99999999999999999999",
        "usable=perhaps",
        "max_accuracy_m=-1",
        "battery=EMPTY",
        "trakcer=1",
    ],
)
def test_wrong_filter_is_refused_by_name(viewer, query):
    assert query.split("=", maxsplit=1)[0] in get(viewer, f"reports/?{query}", 400)["errors"]
