"""The feed of facts over the API: nothing is missed, and each client gets its own."""

from datetime import timedelta

import pytest
from django.contrib.gis.geos import Point
from django.db import transaction
from django.utils import timezone

from outbox import services
from outbox.facts import FactType, NewFact
from outbox.models import Fact
from outbox.partitioning import FACTS
from tests import factories
from tests.api.following import Follower, settle
from tests.factories import NOW
from tests.personas import World, make_world
from tests.sessions import sessions
from tests.trackers.reports import LATITUDE, incoming, longitude_at
from trackers.services.reports.recording import record_reports

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def world(transactional_db) -> World:
    return make_world()


@pytest.fixture(autouse=True)
def _no_months():
    """Partitions outlive the truncation by which these tests end."""
    yield
    for partition in FACTS.existing():
        if month := FACTS.month_of(partition.name):
            FACTS.drop(month)


def facts(world: World, number: int, *, subject: int | None = None) -> list[NewFact]:
    return [
        NewFact(
            type=FactType.RUN_CHANGED,
            subject_id=subject or 1_000 + each,
            client_id=world.alpha.client.pk,
            occurred_at=NOW,
        )
        for each in range(number)
    ]


def publish(new: list[NewFact], *, now=NOW) -> None:
    with transaction.atomic():
        services.publish_all(new, now=now)


def follower(client, path: str = "changes/", **options) -> Follower:
    return Follower(client, path, key="id", parameter="after", **options)


by_both = pytest.mark.parametrize("persona", ["viewer", "staff"])


@by_both
def test_thirty_of_a_moment_are_got_while_others_come(world, as_persona, persona):
    settle()
    reader = follower(as_persona(persona))
    reader.poll()
    before = len(reader.told)
    publish(facts(world, 30))
    settle()
    assert len(reader.page()["results"]) == 10
    publish(facts(world, 3))
    settle()
    reader.poll()
    assert len(reader.told) - before == len(set(reader.told)) - before == 33


@by_both
def test_what_commits_late_with_an_earlier_time_is_seen(world, as_persona, persona):
    settle()
    reader = follower(as_persona(persona))
    reader.poll()
    with sessions(2) as (early, late):
        early.run(services.publish_all, facts(world, 1, subject=1), now=NOW - timedelta(hours=1))
        late.run(services.publish_all, facts(world, 1, subject=2), now=NOW)
        late.commit()
        assert reader.poll() == []
        early.commit()
    settle()
    assert len(reader.poll()) == 2


def test_envelope_says_what_happened_to_what_and_what_came_before(world, as_persona):
    publish(facts(world, 2, subject=7))
    settle()
    client = as_persona("viewer")
    first, second = client.get("/api/v1/changes/").json()["results"][-2:]
    assert first == {
        "id": f"{world.alpha.client.pk}/run/7/1",
        "type": "run.changed",
        "client": world.alpha.client.pk,
        "subject": "run/7",
        "occurred_at": "2026-03-10T12:00:00Z",
        "recorded_at": "2026-03-10T12:00:00Z",
        "sequence": 1,
        "previous_id": None,
        "data": {},
    }
    assert (second["sequence"], second["previous_id"]) == (2, first["id"])


def test_retractions_are_told_to_members_and_trackers_by_their_macs(world, as_persona):
    """A late report shows that the tracker had left: the arrival after it is another one."""
    run = world.alpha.run
    factories.StorageFactory(center=Point(longitude_at(0), LATITUDE), runs=[run])
    tracker = factories.AssignmentFactory(run=run).tracker
    record_reports([incoming(tracker.pk, NOW + timedelta(hours=hour)) for hour in (0, 4)], now=NOW)
    settle()
    reader = follower(as_persona("viewer"))
    reader.poll()
    told = [row for row in reader.rows.values() if row["subject"] == f"tracker/{tracker.pk}"]
    assert {row["data"]["tracker"] for row in told} == {tracker.mac}
    record_reports([incoming(tracker.pk, NOW - timedelta(hours=1), number=9)], now=NOW)
    settle()
    new = [reader.rows[id_] for id_ in reader.poll()]
    retracted = [row for row in new if row["type"] == "tracker.status_change_retracted"]
    assert [row["data"]["tracker"] for row in retracted] == [tracker.mac]
    assert retracted[0]["data"]["status_change"] == told[0]["data"]["status_change"]
    assert retracted[0]["data"]["retracted_after"] == "REPORT"


def test_each_client_gets_its_own_and_staff_get_all(world, as_persona):
    publish([NewFact(type=FactType.SITE_OUTAGE_BEGAN, subject_id=1, client_id=None, occurred_at=NOW)])
    settle()
    told = {}
    for persona in ("viewer", "other_client", "staff", "manufacturer"):
        reader = follower(as_persona(persona))
        reader.poll()
        told[persona] = {row["client"] for row in reader.rows.values()}
    alpha, beta = world.alpha.client.pk, world.beta.client.pk
    assert told == {
        "viewer": {alpha},
        "other_client": {beta},
        "staff": {alpha, beta, None},
        "manufacturer": set(),
    }


def test_one_client_is_chosen_among_those_that_one_sees(world, as_persona):
    settle()
    beta = world.beta.client.pk
    for persona, expected in (("staff", {beta}), ("viewer", set()), ("other_client", {beta})):
        reader = follower(as_persona(persona), f"changes/?client={beta}")
        reader.poll()
        assert {row["client"] for row in reader.rows.values()} == expected


def test_who_has_not_got_what_was_dropped_is_told(world, as_persona, settings):
    settings.OUTBOX_RETENTION_DAYS = 30
    long_ago = timezone.now() - timedelta(days=100)
    publish(facts(world, 2), now=long_ago)
    FACTS.ensure(now=timezone.now())
    settle()
    client = as_persona("viewer")
    behind = follower(client, page_size=1)
    behind.page()
    settle()
    in_step = follower(client)
    in_step.poll()
    services.drop_old_facts(now=timezone.now())
    response = client.get(behind.next)
    assert (response.status_code, response.json()["code"]) == (410, "cursor_too_old")
    assert in_step.poll() == []


def test_client_for_whom_nothing_happens_does_not_fall_behind(world, as_persona, settings):
    """What others were told of is dropped without its missing anything."""
    settings.OUTBOX_RETENTION_DAYS = 30
    settle()
    quiet = follower(as_persona("other_client"))
    quiet.poll()
    publish(facts(world, 3), now=timezone.now() - timedelta(days=100))
    settle()
    quiet.poll()
    FACTS.ensure(now=timezone.now())
    services.drop_old_facts(now=timezone.now())
    assert quiet.poll() == []


@pytest.mark.parametrize("cursor", ["x", "é", "MTox", "%00", "a" * 5_000, "-1", "1"])
def test_cursor_that_nobody_gave_is_refused(world, as_persona, cursor):
    response = as_persona("viewer").get(f"/api/v1/changes/?after={cursor}")
    assert (response.status_code, response.json()["code"]) == (400, "invalid_cursor")


def test_cursor_of_a_list_is_none_of_the_feed(world, as_persona):
    client = as_persona("viewer")
    cursor = client.get("/api/v1/trackers/?changed_after=0").json()["cursor"]
    response = client.get(f"/api/v1/changes/?after={cursor}")
    assert (response.status_code, response.json()["code"]) == (400, "invalid_cursor")


def test_cursor_ends_with_the_clients_that_it_was_given_for(world, as_persona):
    client = as_persona("viewer")
    cursor = client.get("/api/v1/changes/").json()["cursor"]
    factories.MembershipFactory(user=world.users["viewer"], client=world.beta.client)
    response = client.get(f"/api/v1/changes/?after={cursor}")
    assert (response.status_code, response.json()["code"]) == (410, "cursor_of_other_clients")


def test_unknown_parameters_are_refused(world, as_persona):
    response = as_persona("viewer").get("/api/v1/changes/?changed_after=0")
    assert response.status_code == 400
    assert "changed_after" in response.json()["errors"]


def test_feed_is_empty_and_says_where_to_go_on(world, as_persona):
    Fact.objects.all().delete()
    settle()
    page = as_persona("viewer").get("/api/v1/changes/").json()
    assert (page["results"], page["more"]) == ([], False)
    assert f"after={page['cursor']}" in page["next"]
