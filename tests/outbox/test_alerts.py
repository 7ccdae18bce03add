"""What alerts and site outages tell: that they began, changed, ended, or were retracted, and to whom."""

from datetime import timedelta

import pytest

from outbox.models import Fact
from tests.factories import NOW, AssignmentFactory, StorageFactory
from tests.trackers.reports import incoming
from trackers.models import Alert, Tracker
from trackers.services.alerts import evaluating, site_outages
from trackers.services.reports import recording

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


@pytest.fixture
def assignment():
    return AssignmentFactory(start=NOW - 10 * HOUR)


def record(assignment, seen_at, **others):
    recording.record_reports([incoming(assignment.tracker_id, seen_at, **others)], now=max(seen_at, NOW))


def record_hours(assignment):
    for hour in range(10):
        record(assignment, NOW - hour * HOUR, number=hour)


def evaluate(now=NOW):
    evaluating.evaluate_due(most=100, now=now)


def told(prefix="alert"):
    facts = Fact.objects.filter(type__startswith=f"{prefix}.").order_by("id")
    return [(fact.type, fact.occurred_at) for fact in facts]


def test_alert_is_told_to_its_client_when_it_begins_and_ends(assignment):
    record_hours(assignment)
    evaluate(NOW + 30 * HOUR)
    assert told() == [("alert.began", NOW)]
    later = NOW + 2 * DAY
    record(assignment, later, number=77)
    evaluate(later)
    assert told() == [("alert.began", NOW), ("alert.ended", later)]
    alert = Alert.objects.get()
    facts = Fact.objects.filter(subject=f"alert/{alert.pk}").order_by("sequence")
    assert [fact.sequence for fact in facts] == [1, 2]
    assert {fact.client_id for fact in facts} == {assignment.run.brand.client_id}
    assert facts[1].recorded_at == later
    assert facts[1].data | {"measure": None} == {
        "kind": "SILENT",
        "tracker": assignment.tracker_id,
        "assignment": assignment.pk,
        "location": None,
        "country": "",
        "began_at": NOW.isoformat().replace("+00:00", "Z"),
        "latest_at": alert.latest_at.isoformat().replace("+00:00", "Z"),
        "ended_at": later.isoformat().replace("+00:00", "Z"),
        "measure": None,
    }


def test_late_report_that_moves_an_alert_changes_it_and_one_that_refutes_it_retracts_it(assignment):
    record_hours(assignment)
    evaluate(NOW + 30 * HOUR)
    record(assignment, NOW + 2 * HOUR, number=50)
    evaluate(NOW + 30 * HOUR)
    assert told()[1:] == [("alert.changed", Alert.objects.get().latest_at)]
    assert Fact.objects.latest("id").data["began_at"] == "2026-03-10T14:00:00Z"
    record(assignment, NOW + 20 * HOUR, number=51)
    evaluate(NOW + 31 * HOUR)
    assert told()[2:] == [("alert.retracted", NOW + 2 * HOUR)]


def test_alert_that_goes_on_is_told_once(assignment):
    for hour in range(3):
        record(assignment, NOW + hour * HOUR, number=hour, battery="LOW")
        evaluate(NOW + hour * HOUR)
    assert Alert.objects.get().latest_at == NOW + 2 * HOUR
    assert told() == [("alert.began", NOW)]


def test_alert_that_is_over_when_it_is_found_begins_and_ends(assignment):
    record(assignment, NOW - 5 * HOUR, number=1, battery="LOW")
    record(assignment, NOW - 4 * HOUR, number=2, battery="FULL")
    evaluate()
    assert told() == [("alert.began", NOW - 5 * HOUR), ("alert.ended", NOW - 4 * HOUR)]


def test_evaluating_again_tells_nothing(assignment):
    record(assignment, NOW, battery="LOW")
    evaluate()
    before = told()
    evaluate(NOW + HOUR)
    assert told() == before != []


def silent_at(location, number):
    for i in range(number):
        assignment = AssignmentFactory()
        seen_at = NOW - 40 * HOUR + i * HOUR
        Tracker.objects.filter(pk=assignment.tracker_id).update(
            status="IN_STORAGE", location=location, last_seen_at=seen_at
        )
        Alert.objects.create(
            kind="SILENT",
            tracker=assignment.tracker,
            assignment=assignment,
            began_at=seen_at,
            latest_at=seen_at,
            recorded_at=NOW,
        )


def test_site_outage_is_told_to_staff_alone():
    depot = StorageFactory()
    silent_at(depot, 5)
    site_outages.evaluate_sites(now=NOW)
    site_outages.evaluate_sites(now=NOW)
    outage = Alert.objects.get(kind="SILENT_PLACE")
    assert told("site_outage") == [("site_outage.began", outage.began_at)]
    silent_at(depot, 6)
    site_outages.evaluate_sites(now=NOW + HOUR)
    outage.refresh_from_db()
    assert told("site_outage")[1:] == [("site_outage.changed", outage.latest_at)]
    Alert.objects.filter(kind="SILENT").update(ended_at=NOW)
    site_outages.evaluate_sites(now=NOW + 2 * HOUR)
    outage.refresh_from_db()
    assert told("site_outage")[2:] == [("site_outage.ended", outage.ended_at)]
    facts = Fact.objects.filter(type__startswith="site_outage.")
    assert set(facts.values_list("subject", "client")) == {(f"site_outage/{outage.pk}", None)}
    assert [fact.data["measure"] for fact in facts.order_by("id")] == [5, 11, 11]
    assert facts[0].data["location"] == depot.pk
    assert not Fact.objects.filter(type__startswith="alert.").exists()
