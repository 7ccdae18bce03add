"""The tracker's page and the actions on trackers."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from tests.admin.worlds import World
from tests.factories import NOW, KeyPairFactory, RejectedReportFactory, RunFactory, TrackerFactory
from trackers.models import GeofenceEvent, StatusChange, Tracker
from trackers.pages import queries

LIST = "admin:trackers_tracker_changelist"


def page_of(ops: Client, tracker: Tracker, **query: str) -> Any:
    return ops.get(reverse("admin:trackers_tracker_change", args=[tracker.pk]), query)


def act(ops: Client, action: str, *trackers: Tracker, **form: Any) -> list[str]:
    """Perform a confirmed action; returns the messages."""
    data = {"action": action, "confirmed": "1", "_selected_action": [t.pk for t in trackers], **form}
    answer = ops.post(reverse(LIST), data, follow=True)
    return [str(message) for message in answer.context["messages"]]


def moment(at: Any) -> dict[str, str]:
    return {"moment_0": f"{at:%Y-%m-%d}", "moment_1": f"{at:%H:%M:%S}"}


def test_page_tells_how_the_tracker_stands(ops: Client, world: World) -> None:
    text = page_of(ops, world.trackers[0]).content.decode()
    for part in ("Delivered", "Berlin store", "20 min ago", "Northwind / Aurora / Spring 2026", "± 35 m"):
        assert part in text
    assert "less accurate than 250 m" in text


def test_strip_and_map_tell_the_same_periods(ops: Client, world: World) -> None:
    context = page_of(ops, world.trackers[0]).context
    assert [segment.code for segment in context["strip"].segments] == [
        "IN_STORAGE",
        "IN_TRANSIT",
        "DELIVERED",
    ]
    reports = context["track"]["reports"]["features"]
    assert {
        report["properties"]["status"] for report in reports if not report["properties"]["not_counted"]
    } == {
        "IN_STORAGE",
        "IN_TRANSIT",
        "DELIVERED",
    }
    assert {f["properties"]["name"] for f in context["track"]["fences"]["features"]} == {
        "Utrecht depot",
        "Berlin store",
    }


def test_tracker_in_stock_has_a_page(ops: Client) -> None:
    text = page_of(ops, TrackerFactory()).content.decode()
    assert "only active trackers are fetched" in text


def test_page_shows_what_the_manufacturer_told_and_nothing_where_it_told_nothing(ops: Client) -> None:
    made = {"firmware": "2.4.1", "hardware_revision": "C", "manufactured_at": NOW}
    assert "Firmware" not in page_of(ops, TrackerFactory()).content.decode()
    text = page_of(ops, TrackerFactory(**made)).content.decode()
    for told in ("2.4.1", "Hardware revision", "Manufactured at"):
        assert told in text


def test_reports_are_paged_without_gap_or_double(ops: Client, world: World) -> None:
    seen, query = [], {}
    while True:
        context = page_of(ops, world.trackers[0], **query).context
        seen += [report.pk for report, _ in context["reports"]]
        if not context["reports_following"]:
            break
        query = {"reports_after": context["reports_following"]}
    assert len(seen) == len(set(seen)) == world.trackers[0].reports.count() > queries.REPORTS_PER_PAGE


@pytest.mark.parametrize("query", [{"days": "x"}, {"days": "-1"}, {"reports_after": "x~y"}, {"days": "90"}])
def test_page_withstands_any_query(ops: Client, world: World, query: dict[str, str]) -> None:
    assert page_of(ops, world.trackers[0], **query).status_code == 200


def test_retracted_rows_are_shown_struck_through(ops: Client, world: World) -> None:
    tracker = world.trackers[0]
    period = StatusChange.objects.filter(tracker=tracker).latest("started_at")
    GeofenceEvent.objects.filter(status_change=period).update(retracted_at=timezone.now())
    StatusChange.objects.filter(pk=period.pk).update(retracted_at=timezone.now())
    page = page_of(ops, tracker)
    assert period.pk in {row.pk for row in page.context["history"]}
    assert page.content.decode().count('<tr class="gl-retracted"') >= 2
    assert page.content.decode().count(", retracted ") >= 2


def test_form_changes_the_serial_only(ops: Client, world: World) -> None:
    tracker = world.trackers[0]
    url = reverse("admin:trackers_tracker_change", args=[tracker.pk])
    ops.post(url, {"serial": "NEW-1", "state": "LOST", "mac": "00:00:00:00:00:00"})
    tracker.refresh_from_db()
    assert (tracker.serial, tracker.state, tracker.mac != "00:00:00:00:00:00") == ("NEW-1", "ACTIVE", True)


def test_every_action_asks_first(ops: Client, world: World) -> None:
    for name in ("replay", "assign", "release"):
        data = {"action": name, "_selected_action": [world.trackers[0].pk]}
        answer = ops.post(reverse(LIST), data)
        assert answer.templates[0].name == "admin/confirm_step.html"
        asked = ops.get(reverse("admin:trackers_tracker_do", args=[world.trackers[0].pk, name]))
        assert asked.status_code == 200


def test_replay_says_what_happened(ops: Client, world: World) -> None:
    assert act(ops, "replay", *world.trackers) == ["3 trackers recomputed: everything stored was right."]
    StatusChange.objects.filter(tracker=world.trackers[0], ended_at=None).update(status="IN_STORAGE")
    [message] = act(ops, "replay", world.trackers[0])
    assert "1 differed from its reports and was repaired" in message


def test_release_ends_the_assignment(ops: Client, world: World) -> None:
    tracker = world.trackers[0]
    assert act(ops, "release", tracker, **moment(timezone.now())) == ["1 tracker released."]
    assert not tracker.assignments.filter(period__upper_inf=True).exists()


def test_domain_errors_are_messages(ops: Client, world: World) -> None:
    run = RunFactory()
    [message] = act(ops, "assign", world.trackers[0], run=run.pk, **moment(timezone.now()))
    assert "Already in a run" in message
    [message] = act(ops, "assign", TrackerFactory(), run=run.pk, **moment(timezone.now()))
    assert "Trackers leave the stock by an order" in message


def test_assign_after_release(ops: Client, world: World) -> None:
    tracker, run, now = world.trackers[0], RunFactory(), timezone.now()
    act(ops, "release", tracker, **moment(now))
    assert act(ops, "assign", tracker, run=run.pk, **moment(now)) == [f"1 tracker assigned to {run}."]
    tracker.refresh_from_db()
    assert tracker.latest_assignment.run == run


def test_form_of_an_action_is_checked(ops: Client, world: World) -> None:
    data = {"action": "assign", "confirmed": "1", "_selected_action": [world.trackers[0].pk]}
    answer = ops.post(reverse(LIST), data)
    assert answer.context["form"].errors.keys() == {"run", "moment"}


def test_rejected_reports_are_tried_again(ops: Client, world: World) -> None:
    rejected = RejectedReportFactory(hashed_key="unknown")
    data = {"action": "retry", "_selected_action": [rejected.pk]}
    answer = ops.post(reverse("admin:trackers_rejectedreport_changelist"), data, follow=True)
    assert "1 rejected again" in str(next(iter(answer.context["messages"])))


def test_private_keys_are_on_no_page(ops: Client) -> None:
    pair = KeyPairFactory(sealed_private_key=b"\x07SECRET" * 8)
    for name in ("keypair_change", "keybatch_change"):
        pk = pair.pk if name == "keypair_change" else pair.batch_id
        page = ops.get(reverse(f"admin:keys_{name}", args=[pk])).content
        assert b"SECRET" not in page
        assert b"sealed" not in page.lower()
