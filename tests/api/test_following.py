"""Who follows a list by its cursor misses nothing: real transactions, in every awkward order."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from random import Random
from typing import Any, NamedTuple

import pytest
from django.db import connection, transaction
from django.utils import timezone

from foundation import following
from locations.models import Location
from orders.models import Order
from tests import factories
from tests.api.following import Follower, settle
from tests.personas import World, make_world
from tests.sessions import sessions
from tests.trackers.reports import incoming
from trackers.models import Alert, Tracker
from trackers.services import assigning
from trackers.services.reports.recording import record_reports

pytestmark = pytest.mark.django_db(transaction=True)


class Followed(NamedTuple):
    """An address that is followed: how rows of Alpha's are made there, and how one is changed."""

    path: str
    key: str
    make: Callable[[World, int], list[Any]]
    change: Callable[[Any], object]


def make_trackers(world: World, number: int) -> list[Tracker]:
    run = world.alpha.run
    return [factories.AssignmentFactory(run=run).tracker for _ in range(number)]


def make_orders(world: World, number: int) -> list[Order]:
    return [factories.OrderFactory(run=world.alpha.run, reference="") for _ in range(number)]


def make_locations(world: World, number: int) -> list[Location]:
    return [factories.DeliveryFactory(runs=[world.alpha.run]) for _ in range(number)]


def make_alerts(world: World, number: int) -> list[Alert]:
    run = world.alpha.run
    return [factories.AlertFactory(assignment__run=run) for _ in range(number)]


FOLLOWED = {
    "trackers": Followed(
        "trackers/",
        "mac",
        make_trackers,
        lambda tracker: Tracker.objects.filter(pk=tracker.pk).update(
            battery="LOW", updated_at=timezone.now()
        ),
    ),
    "orders": Followed(
        "orders/", "id", make_orders, lambda order: Order.objects.filter(pk=order.pk).update(quantity=7)
    ),
    "locations": Followed(
        "locations/",
        "id",
        make_locations,
        lambda location: Location.objects.filter(pk=location.pk).update(radius_m=250),
    ),
    "alerts": Followed(
        "alerts/", "id", make_alerts, lambda alert: Alert.objects.filter(pk=alert.pk).update(measure=3)
    ),
}
every_list = pytest.mark.parametrize("followed", FOLLOWED.values(), ids=FOLLOWED)
by_both = pytest.mark.parametrize("persona", ["viewer", "staff"])


@pytest.fixture
def world(transactional_db, monkeypatch) -> World:
    monkeypatch.setattr("rest_framework.throttling.SimpleRateThrottle.allow_request", lambda *_: True)
    return make_world()


def name(followed: Followed, row: Any) -> Any:
    return getattr(row, followed.key)


@every_list
@by_both
def test_thirty_are_got_while_rows_move_between_pages(world, as_persona, followed, persona):
    rows = followed.make(world, 30)
    settle()
    follower = Follower(as_persona(persona), followed.path, key=followed.key)
    first = follower.page()
    assert len(first["results"]) == 10
    assert first["more"] is True
    for row in rows[:3]:
        followed.change(row)
    settle()
    follower.poll()
    assert {name(followed, row) for row in rows} <= follower.rows.keys()
    assert follower.told[-3:] == [name(followed, row) for row in rows[:3]]
    assert follower.poll() == []


@every_list
@by_both
def test_thirty_that_share_a_moment_are_got(world, as_persona, followed, persona):
    follower = Follower(as_persona(persona), followed.path, key=followed.key)
    rows = followed.make(world, 30)
    settle()
    follower.poll()
    with sessions(1) as (together,):
        for row in rows:
            together.run(followed.change, row)
        together.commit()
    settle()
    follower.page()
    assert len(set(follower.told[-10:]) | set(follower.poll())) == 30


@every_list
@by_both
def test_what_commits_late_with_an_earlier_time_is_seen(world, as_persona, followed, persona):
    early_row, late_row = followed.make(world, 2)
    settle()
    follower = Follower(as_persona(persona), followed.path, key=followed.key)
    follower.poll()
    with sessions(2) as (early, late):
        early.run(followed.change, early_row)
        late.run(followed.change, late_row)
        late.commit()
        assert follower.poll() == []
        early.commit()
        settle()
        assert sorted(follower.poll()) == sorted([name(followed, early_row), name(followed, late_row)])


@every_list
def test_what_is_rolled_back_is_not_told(world, as_persona, followed):
    (row,) = followed.make(world, 1)
    settle()
    follower = Follower(as_persona("viewer"), followed.path, key=followed.key)
    follower.poll()
    with sessions(1) as (tried,):
        tried.run(followed.change, row)
        tried.roll_back()
    settle()
    assert follower.poll() == []


@every_list
def test_one_client_is_not_told_of_another_s(world, as_persona, followed):
    followed.make(world, 3)
    settle()
    follower = Follower(as_persona("other_client"), followed.path, key=followed.key)
    follower.poll()
    assert "Alpha" not in str(follower.rows)
    followed.change(followed.make(world, 1)[0])
    settle()
    assert follower.poll() == []


@every_list
def test_rows_are_those_of_the_list(world, as_persona, followed):
    followed.make(world, 3)
    settle()
    for persona in ("viewer", "other_client", "staff", "manufacturer"):
        client = as_persona(persona)
        follower = Follower(client, followed.path, key=followed.key)
        follower.poll()
        listed = client.get(f"/api/v1/{followed.path}?page_size=500").json()["results"]
        assert sorted(follower.rows.values(), key=str) == sorted(listed, key=str)


@every_list
def test_answer_says_where_to_go_on_although_it_is_empty(world, as_persona, followed):
    settle()
    client = as_persona("manufacturer")
    page = client.get(f"/api/v1/{followed.path}?changed_after=0").json()
    assert (page["results"], page["gone"], page["more"]) == ([], [], False)
    assert page["cursor"]
    assert f"changed_after={page['cursor']}" in page["next"]
    assert client.get(page["next"]).json()["results"] == []


@every_list
@pytest.mark.parametrize("cursor", ["x", "é", "MTox", "%00", "a" * 5_000, "-1", "1"])
def test_cursor_that_nobody_gave_is_refused(world, as_persona, followed, cursor):
    response = as_persona("viewer").get(f"/api/v1/{followed.path}?changed_after={cursor}")
    assert (response.status_code, response.json()["code"]) == (400, "invalid_cursor")


@every_list
def test_cursor_of_another_question_is_refused(world, as_persona, followed):
    client = as_persona("viewer")
    run = world.alpha.run.pk
    cursor = client.get(f"/api/v1/{followed.path}?changed_after=0&run={run}").json()["cursor"]
    for other in ("", f"&run={run + 1}"):
        path = f"{followed.path}?changed_after={cursor}{other}"
        response = client.get(f"/api/v1/{path}")
        assert (response.status_code, response.json()["code"]) == (400, "invalid_cursor")


@every_list
def test_cursor_ends_with_the_clients_that_it_was_given_for(world, as_persona, followed):
    """Rows of a client that the user sees since would have come before the cursor."""
    client = as_persona("viewer")
    cursor = client.get(f"/api/v1/{followed.path}?changed_after=0").json()["cursor"]
    factories.MembershipFactory(user=world.users["viewer"], client=world.beta.client)
    response = client.get(f"/api/v1/{followed.path}?changed_after={cursor}")
    assert (response.status_code, response.json()["code"]) == (410, "cursor_of_other_clients")
    settle()
    follower = Follower(client, followed.path, key=followed.key)
    follower.poll()
    assert "Alpha" in str(follower.rows)
    assert "Beta" in str(follower.rows)


@every_list
def test_pages_of_their_own_can_t_be_followed(world, as_persona, followed):
    response = as_persona("viewer").get(f"/api/v1/{followed.path}?changed_after=0&page=2")
    assert response.status_code == 400
    assert "page" in response.json()["errors"]


@pytest.mark.parametrize(
    ("path", "other"),
    [
        ("trackers", "ordering=mac"),
        ("trackers", "updated_after=2026-01-01T00:00:00Z"),
        ("trackers", "silent_for=2"),
        ("locations", "updated_after=2026-01-01T00:00:00Z"),
        ("locations", "active=true"),
    ],
)
def test_what_goes_by_the_clock_or_an_order_can_t_be_followed(world, as_persona, path, other):
    response = as_persona("viewer").get(f"/api/v1/{path}/?changed_after=0&{other}")
    assert response.status_code == 400
    assert other.partition("=")[0] in response.json()["errors"]


@every_list
def test_row_of_two_clients_that_the_user_sees_comes_once_in_a_page(world, as_persona, followed):
    factories.MembershipFactory(user=world.users["viewer"], client=world.beta.client)
    followed.make(world, 3)
    settle()
    follower = Follower(as_persona("viewer"), followed.path, key=followed.key, page_size=500)
    told = follower.poll()
    assert len(told) == len(set(told))


def test_cursor_of_a_database_before_its_restoration_is_refused(world, as_persona, monkeypatch):
    client = as_persona("viewer")
    cursor = client.get("/api/v1/trackers/?changed_after=0").json()["cursor"]
    monkeypatch.setattr(following, "reading_mark", lambda: following.ReadingMark(5, 5))
    response = client.get(f"/api/v1/trackers/?changed_after={cursor}")
    assert (response.status_code, response.json()["code"]) == (410, "cursor_too_old")


def test_member_follows_a_filter_and_is_told_what_leaves_it(world, as_persona):
    low, full = make_trackers(world, 2)
    Tracker.objects.filter(pk=low.pk).update(battery="LOW")
    settle()
    follower = Follower(as_persona("viewer"), "trackers/?battery=LOW&", key="mac")
    follower.poll()
    assert low.mac in follower.rows
    assert full.mac not in follower.rows
    Tracker.objects.filter(pk=low.pk).update(battery="FULL")
    Tracker.objects.filter(pk=full.pk).update(battery="LOW")
    settle()
    follower.poll()
    assert full.mac in follower.rows
    assert low.mac not in follower.rows


def test_staff_follow_one_client_without_hearing_of_others(world, as_persona):
    make_trackers(world, 2)
    settle()
    follower = Follower(as_persona("staff"), f"trackers/?client={world.beta.client.pk}", key="mac")
    assert follower.poll() == [world.beta.tracker.mac]


def test_what_nobody_is_shown_is_no_change_of_a_tracker(world, as_persona):
    follower = Follower(as_persona("staff"), "trackers/", key="mac")
    settle()
    follower.poll()
    Tracker.objects.update(verified_at=timezone.now() + timedelta(hours=1), near_is_due=True)
    settle()
    assert follower.poll() == []


def test_location_that_is_unlinked_or_deleted_is_told(world, as_persona):
    unlinked, deleted, kept = make_locations(world, 3)
    unlinked.runs.add(world.beta.run)
    settle()
    follower = Follower(as_persona("viewer"), "locations/", key="id")
    follower.poll()
    unlinked.runs.remove(world.alpha.run)
    pk = deleted.pk
    deleted.delete()
    settle()
    page = follower.page()
    assert sorted(row["id"] for row in page["gone"]) == sorted([unlinked.pk, pk])
    assert kept.pk in follower.rows


def test_order_that_goes_to_another_client_is_told(world, as_persona):
    (order,) = make_orders(world, 1)
    settle()
    follower = Follower(as_persona("viewer"), "orders/", key="id")
    follower.poll()
    Order.objects.filter(pk=order.pk).update(run=world.beta.run, client=world.beta.client)
    settle()
    assert follower.page()["gone"] == [{"id": order.pk}]


def test_alert_that_is_retracted_is_told_as_such(world, as_persona):
    (alert,) = make_alerts(world, 1)
    settle()
    client = as_persona("viewer")
    follower = Follower(client, "alerts/", key="id")
    standing = Follower(client, "alerts/?retracted=false", key="id")
    follower.poll()
    standing.poll()
    Alert.objects.filter(pk=alert.pk).update(retracted_at=world.now)
    settle()
    follower.poll()
    assert follower.rows[alert.pk]["retracted_at"]
    standing.poll()
    assert alert.pk not in standing.rows
    listed = client.get("/api/v1/alerts/").json()["results"]
    assert alert.pk not in {row["id"] for row in listed}
    assert client.get("/api/v1/alerts/?retracted=true").json()["count"] == 1


def test_tracker_that_went_to_another_client_is_told(world, as_persona):
    (tracker,) = make_trackers(world, 1)
    settle()
    alphas = Follower(as_persona("viewer"), "trackers/", key="mac")
    betas = Follower(as_persona("other_client"), "trackers/", key="mac")
    alphas.poll()
    betas.poll()
    now = timezone.now()
    assigning.release(tracker_ids=[tracker.pk], at=now, now=now)
    assigning.assign(tracker_ids=[tracker.pk], run=world.beta.run, start=now, now=now)
    settle()
    assert alphas.page()["gone"] == [{"mac": tracker.mac}]
    betas.poll()
    assert tracker.mac in betas.rows
    Tracker.objects.filter(pk=tracker.pk).update(battery="LOW", updated_at=timezone.now())
    settle()
    assert alphas.poll() == []


def record_by_chance(seed: int, writer: int, trackers: list[Tracker]) -> None:
    chance = Random(f"{seed}/{writer}")
    try:
        for turn in range(12):
            with transaction.atomic():
                for tracker in sorted(chance.sample(trackers, 3), key=lambda each: each.pk):
                    seen_at = factories.NOW + timedelta(minutes=chance.randrange(600))
                    report = incoming(tracker.pk, seen_at, number=writer * 100 + turn)
                    record_reports([report], now=timezone.now())
                if chance.random() < 0.2:
                    transaction.set_rollback(True)
    finally:
        connection.close()


@pytest.mark.parametrize("seed", range(2))
def test_followers_beside_writers_have_in_the_end_what_is_there(world, seed):
    trackers = make_trackers(world, 8)
    done = threading.Event()

    def follow(persona: str, page_size: int) -> Follower:
        follower = Follower(world.api_client(persona), "trackers/", key="mac", page_size=page_size)
        try:
            while not done.is_set():
                follower.poll()
            settle()
            follower.poll()
            return follower
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        followers = [pool.submit(follow, *each) for each in (("viewer", 1), ("viewer", 7), ("staff", 3))]
        # Trackers in the order of their ids: several transactions of a writer are one here.
        writers = [pool.submit(record_by_chance, seed, writer, trackers) for writer in range(3)]
        try:
            for writer in writers:
                writer.result(120)
        finally:
            done.set()
        for each, persona in zip(followers, ("viewer", "viewer", "staff"), strict=True):
            listed = world.api_client(persona).get("/api/v1/trackers/?page_size=500").json()["results"]
            assert each.result(120).rows == {row["mac"]: row for row in listed}
