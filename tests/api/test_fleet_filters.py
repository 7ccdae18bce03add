"""Time series of a run or a client hold its rows and no others; without a tracker, only of so long a time."""

from datetime import timedelta

import pytest

from tests.factories import AssignmentFactory, EventFactory, RunFactory, StatusChangeFactory
from tests.personas import make_report

SERIES = ("reports", "events", "history")


@pytest.fixture
def sibling(world):
    """Another run of Alpha's brand, with a tracker of its own that reported an hour ago."""
    run = RunFactory(brand=world.alpha.run.brand, name="Alpha autumn")
    assignment = AssignmentFactory(run=run, start=world.now - timedelta(days=60))
    moment = world.now - timedelta(hours=1)
    report = make_report(assignment, moment)
    StatusChangeFactory(assignment=assignment, started_at=moment, fingerprint=report.fingerprint)
    EventFactory(assignment=assignment, occurred_at=moment, fingerprint=report.fingerprint)
    return assignment


def trackers_of(client, path: str) -> set[str]:
    answer = client.get(f"/api/v1/{path}")
    assert answer.status_code == 200, answer.content
    return {row["tracker"] for row in answer.json()["results"]}


@pytest.mark.parametrize("series", SERIES)
@pytest.mark.parametrize("persona", ["viewer", "staff"])
def test_series_of_a_run_has_no_row_of_another_run_of_its_client(world, sibling, as_persona, series, persona):
    client = as_persona(persona)
    first, second = world.alpha.tracker.mac, sibling.tracker.mac
    assert trackers_of(client, f"{series}/?run={world.alpha.run.pk}") == {first}
    assert trackers_of(client, f"{series}/?run={sibling.run.pk}") == {second}
    assert trackers_of(client, f"{series}/?client={world.alpha.client.pk}") == {first, second}


@pytest.mark.parametrize(("series", "days"), [("reports", 7), ("events", 31), ("history", 366)])
def test_window_without_a_tracker_has_its_longest(world, as_persona, series, days):
    def status(length: timedelta) -> int:
        since = f"{world.now - length:%Y-%m-%dT%H:%M:%SZ}"
        until = f"{world.now:%Y-%m-%dT%H:%M:%SZ}"
        answer = as_persona("viewer").get(f"/api/v1/{series}/?since={since}&until={until}")
        return answer.status_code

    assert status(timedelta(days=days)) == 200
    assert status(timedelta(days=days, seconds=1)) == 400
