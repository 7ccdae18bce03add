"""Alerts, from what is recorded to what is stored."""

import threading
from datetime import datetime, timedelta
from random import Random

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from clients.models import ProductionRun
from tests.factories import (
    NOW,
    AssignmentFactory,
    DeliveryFactory,
    MembershipFactory,
    RunFactory,
    StatusChangeFactory,
    StorageFactory,
    TrackerFactory,
    UserFactory,
)
from tests.trackers.reports import incoming, longitude_at
from trackers.models import Alert, AlertWatch, Assignment, GeoStatus, LocationReport, Retraction, Tracker
from trackers.rules import evaluation
from trackers.services import assigning, history
from trackers.services.alerts import evaluating, site_outages
from trackers.services.history import Cause
from trackers.services.reports import recording

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
START = datetime(2026, 1, 1, tzinfo=NOW.tzinfo)
pytestmark = pytest.mark.django_db


def assigned(since: datetime = NOW - 10 * HOUR, **others: object) -> Assignment:
    return AssignmentFactory(start=since, **others)


def evaluate(now: datetime = NOW) -> int:
    return evaluating.evaluate_due(most=10_000, now=now)


def alerts(**filters: object) -> list[tuple[str, datetime, datetime | None]]:
    rows = Alert.objects.valid().filter(**filters).order_by("kind", "began_at")
    return [(row.kind, row.began_at, row.ended_at) for row in rows]


def way(tracker_id: int, begin: datetime, *, hours: int, **others: object) -> list:
    return [
        incoming(tracker_id, begin + i * HOUR, number=i, **others)  # type: ignore[arg-type]
        for i in range(hours)
    ]


def test_recorded_reports_are_evaluated_once() -> None:
    assignment = assigned()
    reports = way(assignment.tracker_id, NOW - 10 * HOUR, hours=10, battery="LOW")
    recording.record_reports(reports, now=NOW)
    watch = AlertWatch.objects.get()
    assert (watch.changed_since, watch.due_at) == (NOW - 10 * HOUR, NOW)
    assert evaluate() == 1
    assert alerts() == [("BATTERY_LOW", NOW - 10 * HOUR, None)]
    watch.refresh_from_db()
    assert (watch.changed_since, watch.due_at) == (None, NOW + 23 * HOUR)
    assert evaluate() == 0


def test_an_alert_names_its_assignment_and_is_seen_by_its_client_alone() -> None:
    assignment = assigned()
    recording.record_reports([incoming(assignment.tracker_id, NOW, battery="LOW")], now=NOW)
    evaluate()
    member = MembershipFactory(client=assignment.run.brand.client).user
    assert Alert.objects.visible_to(member).get().assignment == assignment
    assert not Alert.objects.visible_to(MembershipFactory().user).exists()
    assert not Alert.objects.visible_to(UserFactory()).exists()


def test_silence_is_found_when_its_time_has_come_and_ends_with_a_report() -> None:
    assignment = assigned()
    recording.record_reports(way(assignment.tracker_id, NOW - 9 * HOUR, hours=10), now=NOW)
    evaluate()
    assert alerts() == []
    due = AlertWatch.objects.get().due_at
    assert due == NOW + DAY
    assert evaluate(due + HOUR) == 1
    assert alerts() == [("SILENT", NOW, None)]
    later = NOW + 2 * DAY
    recording.record_reports([incoming(assignment.tracker_id, later, number=77)], now=later)
    evaluate(later)
    assert alerts() == [("SILENT", NOW, later)]


def test_a_late_report_moves_the_silence_and_one_later_takes_it_back() -> None:
    assignment = assigned()
    recording.record_reports(way(assignment.tracker_id, NOW - 9 * HOUR, hours=10), now=NOW)
    evaluate()
    evaluate(NOW + 30 * HOUR)
    alert = Alert.objects.valid().get()
    late = incoming(assignment.tracker_id, NOW + 2 * HOUR, number=50)
    recording.record_reports([late], now=NOW + 30 * HOUR)
    evaluate(NOW + 30 * HOUR)
    moved = Alert.objects.valid().get()
    assert (moved.pk, moved.began_at, moved.ended_at) == (alert.pk, NOW + 2 * HOUR, None)
    recording.record_reports(
        [incoming(assignment.tracker_id, NOW + 20 * HOUR, number=51)], now=NOW + 31 * HOUR
    )
    evaluate(NOW + 31 * HOUR)
    assert alerts() == []
    assert Alert.objects.get().retracted_at == NOW + 31 * HOUR


def test_an_alert_from_before_the_retention_cutoff_stands() -> None:
    assignment = assigned()
    recording.record_reports(way(assignment.tracker_id, NOW - 9 * HOUR, hours=10), now=NOW)
    evaluate(NOW + 30 * HOUR)
    later = NOW + 2 * DAY
    recording.record_reports(way(assignment.tracker_id, later, hours=10), now=later)
    evaluate(later)
    found = alerts()
    assert found == [("SILENT", NOW, later)]
    kept_from = later + 5 * HOUR
    LocationReport.objects.filter(seen_at__lt=kept_from).delete()
    history.advance_cutoff(reports_kept_from=kept_from, now=later + DAY)
    history.mark_changed([assignment.tracker_id], now=later + 10 * HOUR)
    evaluate(later + 10 * HOUR)
    assert alerts() == found


def test_a_tracker_that_never_reported() -> None:
    run = RunFactory()
    tracker = AssignmentFactory(run=RunFactory(), end=START + DAY).tracker
    assigning.assign(tracker_ids=[tracker.pk], run=run, start=NOW, now=NOW)
    evaluate()
    assert alerts() == []
    evaluate(NOW + DAY)
    evaluate(NOW + 2 * DAY)
    evaluate(NOW + 4 * DAY)
    assert alerts() == [("NEVER_REPORTED", NOW, None)]
    assigning.release(tracker_ids=[tracker.pk], at=NOW + 5 * DAY, now=NOW + 5 * DAY)
    evaluate(NOW + 5 * DAY)
    assert alerts() == [("NEVER_REPORTED", NOW, NOW + 5 * DAY)]
    assert not AlertWatch.objects.exists()


def test_a_tracker_may_wait_in_the_warehouse_before_it_is_sent() -> None:
    tracker = TrackerFactory()
    run = RunFactory()
    assigning.assign(tracker_ids=[tracker.pk], run=run, start=NOW, now=NOW, state=Tracker.State.ALLOCATED)
    evaluate(NOW + 13 * DAY)
    sent = NOW + 14 * DAY
    assigning.activate(tracker_ids=[tracker.pk], now=sent)
    evaluate(sent + 2 * DAY)
    assert alerts() == []
    assert AlertWatch.objects.get().due_at <= sent + 3 * DAY
    evaluate(sent + 3 * DAY + HOUR)
    assert alerts() == [("NEVER_REPORTED", sent, None)]
    recording.record_reports([incoming(tracker.pk, NOW + 10 * DAY)], now=sent + 4 * DAY)
    evaluate(sent + 4 * DAY)
    assert not Alert.objects.valid().filter(kind="NEVER_REPORTED").exists()


def test_trackers_that_are_not_fetched_are_not_silent() -> None:
    assignment = AssignmentFactory(tracker__state=Tracker.State.ALLOCATED)
    history.recompute_trackers(tracker_ids=[assignment.tracker_id], cause=Cause(Retraction.FENCE), now=NOW)
    AlertWatch.objects.get_or_create(tracker=assignment.tracker, defaults={"due_at": NOW})
    evaluate()
    assert alerts() == []
    assert AlertWatch.objects.get().due_at == NOW + DAY


def test_a_shipment_with_everything_wrong() -> None:
    """Leaves its delivery location, comes back to storage, stands there for weeks."""
    run = RunFactory()
    depot = StorageFactory(runs=[run])
    shop = DeliveryFactory(runs=[run], center=f"SRID=4326;POINT({longitude_at(5000)} 52)")
    depot.center = f"SRID=4326;POINT({longitude_at(0)} 52)"
    depot.save()
    begin = NOW - 40 * DAY
    tracker_id = assigned(begin, run=run).tracker_id
    stations = [(0, 0), (20, 2500), (24, 5000), (48, 2500), (60, 0)]
    reports = [
        incoming(tracker_id, begin + hour * HOUR, number=hour, east_m=east_m) for hour, east_m in stations
    ]
    reports += [incoming(tracker_id, begin + (60 + 12 * i) * HOUR, number=1000 + i) for i in range(1, 60)]
    recording.record_reports(reports, now=NOW)
    evaluate()
    back = begin + 60 * HOUR
    assert alerts() == [
        ("BACK_TO_STORAGE", back, None),
        ("LEFT_DELIVERY", begin + 48 * HOUR, None),
        ("LONG_STAY", back + 14 * DAY, None),
        ("SILENT", begin + (60 + 12 * 59) * HOUR, None),
    ]
    assert Alert.objects.get(kind="LEFT_DELIVERY").location == shop


def test_the_order_of_arrival_does_not_matter() -> None:
    draw = Random(3)
    run = RunFactory()
    StorageFactory(runs=[run], center=f"SRID=4326;POINT({longitude_at(0)} 52)")
    DeliveryFactory(runs=[run], center=f"SRID=4326;POINT({longitude_at(20_000)} 52)")
    found = []
    plan = [
        (
            draw.randrange(0, 900),
            draw.choice([0, 10_000, 20_000, 4_000_000]),
            draw.choice(["FULL", "LOW", ""]),
        )
        for _ in range(60)
    ]
    for shuffled in (False, True, True):
        tracker_id = assigned(NOW - 60 * DAY, run=run).tracker_id
        reports = [
            incoming(tracker_id, NOW - 60 * DAY + hours * HOUR, number=i, east_m=east_m, battery=battery)
            for i, (hours, east_m, battery) in enumerate(plan)
        ]
        if shuffled:
            draw.shuffle(reports)
        for i in range(0, len(reports), 60 if not shuffled else 7):
            recording.record_reports(reports[i : i + (60 if not shuffled else 7)], now=NOW)
            evaluate()
        rows = Alert.objects.valid().filter(tracker=tracker_id).order_by("kind", "began_at")
        found.append(list(rows.values_list("kind", "began_at", "latest_at", "ended_at", "measure")))
    assert found[0] == found[1] == found[2]
    assert {kind for kind, *_ in found[0]} > {"IMPOSSIBLE_SPEED", "BATTERY_LOW", "SILENT"}


def test_evaluating_everything_again_writes_nothing() -> None:
    assignment = assigned(NOW - 50 * HOUR)
    recording.record_reports(way(assignment.tracker_id, NOW - 50 * HOUR, hours=10, battery="LOW"), now=NOW)
    evaluate()
    before = list(Alert.objects.values())
    assert len(before) == 2
    for changed_since in (None, NOW - 45 * HOUR, START):
        AlertWatch.objects.update(changed_since=changed_since, due_at=NOW)
        assert evaluate() == 1
    assert list(Alert.objects.values()) == before


@pytest.mark.parametrize("most", [3, 5])
def test_an_evaluation_is_bounded(most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluating, "TRACKERS_PER_TRANSACTION", 2)
    for assignment in AssignmentFactory.create_batch(7):
        AlertWatch.objects.create(tracker=assignment.tracker, due_at=NOW)
    assert evaluate() == 7
    AlertWatch.objects.update(due_at=NOW)
    assert evaluating.evaluate_due(most=most, now=NOW) == most


def test_an_evaluation_costs_the_same_for_many_trackers(django_assert_num_queries) -> None:
    for assignment in [assigned() for _ in range(20)]:
        recording.record_reports(way(assignment.tracker_id, NOW - 9 * HOUR, hours=3, battery="LOW"), now=NOW)
    with django_assert_num_queries(12, exact=False):
        evaluate()
    assert Alert.objects.count() == 20


def test_one_open_alert_of_a_kind_for_a_tracker() -> None:
    assignment = AssignmentFactory()
    fields = {
        "kind": "SILENT",
        "tracker": assignment.tracker,
        "assignment": assignment,
        "began_at": NOW,
        "latest_at": NOW,
        "recorded_at": NOW,
    }
    Alert.objects.create(**fields)
    with pytest.raises(IntegrityError, match="alert_one_open_per_tracker_and_kind"), transaction.atomic():
        Alert.objects.create(**fields)


def make_silent(number: int, location: object) -> list[Assignment]:
    found = []
    for i in range(number):
        assignment = AssignmentFactory()
        at = NOW - 40 * HOUR + i * HOUR
        StatusChangeFactory(assignment=assignment, status="IN_STORAGE", location=location, started_at=at)
        Tracker.objects.filter(pk=assignment.tracker_id).update(
            status=GeoStatus.IN_STORAGE, location=location, last_seen_at=at
        )
        Alert.objects.create(
            kind="SILENT",
            tracker=assignment.tracker,
            assignment=assignment,
            began_at=at,
            latest_at=at,
            recorded_at=NOW,
        )
        found.append(assignment)
    return found


def test_many_silent_at_one_site_are_one_alert() -> None:
    depot = StorageFactory()
    silent = make_silent(6, depot)
    make_silent(2, StorageFactory())
    [place] = site_outages.evaluate_sites(now=NOW)
    assert (place.location_id, place.trackers) == (depot.pk, 6)
    alert = Alert.objects.get(kind="SILENT_PLACE")
    assert (alert.began_at, alert.latest_at, alert.measure) == (NOW - 36 * HOUR, NOW - 35 * HOUR, 6)
    assert {each.tracker_id for each in alert.parts.all()} == {each.tracker_id for each in silent}
    assert Alert.objects.to_act_on().count() == 3
    site_outages.evaluate_sites(now=NOW + HOUR)
    assert list(Alert.objects.filter(kind="SILENT_PLACE")) == [alert]
    Alert.objects.filter(tracker__in=[each.tracker_id for each in silent[:2]]).update(ended_at=NOW)
    Tracker.objects.filter(pk=silent[0].tracker_id).update(last_seen_at=NOW)
    site_outages.evaluate_sites(now=NOW + 2 * HOUR)
    alert.refresh_from_db()
    assert alert.ended_at == NOW
    assert Alert.objects.to_act_on().count() == 6


def test_a_few_silent_among_many_are_their_own_fault() -> None:
    depot = StorageFactory()
    make_silent(6, depot)
    for assignment in AssignmentFactory.create_batch(5):
        Tracker.objects.filter(pk=assignment.tracker_id).update(status="IN_STORAGE", location=depot)
    assert site_outages.evaluate_sites(now=NOW) == []


@pytest.mark.django_db(transaction=True)
def test_two_workers_evaluate_different_trackers() -> None:
    for assignment in [assigned() for _ in range(4)]:
        recording.record_reports(way(assignment.tracker_id, NOW - 9 * HOUR, hours=3, battery="LOW"), now=NOW)
    numbers: list[int] = []

    def work() -> None:
        try:
            numbers.append(evaluate())
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(numbers) == 4
    assert Alert.objects.filter(kind="BATTERY_LOW").count() == 4


def test_time_is_the_callers() -> None:
    """Looked at years later, the alerts of an old run are those of its own time."""
    assignment = assigned(NOW - 80 * HOUR, end=NOW)
    recording.record_reports(way(assignment.tracker_id, NOW - 80 * HOUR, hours=10), now=timezone.now())
    evaluate(timezone.now())
    assert alerts() == [("SILENT", NOW - 71 * HOUR, NOW)]


def test_impossible_speed_begins_with_a_held_report_and_is_taken_back_once_two_agree() -> None:
    assignment = assigned()
    recording.record_reports(way(assignment.tracker_id, NOW - 3 * HOUR, hours=2), now=NOW)

    def far(minutes: int) -> None:
        at = NOW - HOUR + timedelta(minutes=minutes)
        recording.record_reports(
            [incoming(assignment.tracker_id, at, number=minutes, latitude=20.0)], now=NOW
        )
        evaluate()

    far(0)
    [alert] = Alert.objects.valid().filter(kind="IMPOSSIBLE_SPEED")
    assert (alert.began_at, alert.ended_at) == (NOW - HOUR, None)
    assert alert.measure == pytest.approx(3558, abs=5)
    far(5)
    assert alerts(kind="IMPOSSIBLE_SPEED") == []


def test_impossible_speed_of_an_outlier_ends_with_the_next_report_that_counts() -> None:
    assignment = assigned()
    tracker_id = assignment.tracker_id
    recording.record_reports(way(tracker_id, NOW - 3 * HOUR, hours=2), now=NOW)
    recording.record_reports([incoming(tracker_id, NOW - HOUR, number=8, latitude=20.0)], now=NOW)
    evaluate()
    recording.record_reports([incoming(tracker_id, NOW, number=9)], now=NOW)
    evaluate()
    assert alerts(kind="IMPOSSIBLE_SPEED") == [("IMPOSSIBLE_SPEED", NOW - HOUR, NOW)]
    assert alerts(kind="LEFT_COUNTRY") == []


def test_a_run_that_believes_in_higher_speeds_takes_the_alert_back() -> None:
    assignment = assigned()
    reports = way(assignment.tracker_id, NOW - 3 * HOUR, hours=2)
    reports.append(incoming(assignment.tracker_id, NOW, number=9, latitude=30.0))
    recording.record_reports(reports, now=NOW)
    evaluate()
    assert len(alerts(kind="IMPOSSIBLE_SPEED")) == 1
    ProductionRun.objects.update(max_speed_kmh=3000)
    cause = Cause(Retraction.RUN)
    history.recompute_trackers(tracker_ids=[assignment.tracker_id], cause=cause, now=NOW)
    evaluate()
    assert alerts(kind="IMPOSSIBLE_SPEED") == []


def test_a_tracker_that_cannot_be_evaluated_costs_only_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    assignments = [assigned() for _ in range(9)]
    for assignment in assignments:
        recording.record_reports([incoming(assignment.tracker_id, NOW, battery="LOW")], now=NOW)
    bad = assignments[4]
    evaluate_one = evaluation.evaluate

    def breaks(given: evaluation.EvaluationInput, span: evaluation.Span, **others: object) -> object:
        if span.expected_from == bad.period.lower:
            raise ValueError("nobody thought of this")
        return evaluate_one(given, span, **others)  # type: ignore[arg-type]

    type(bad).objects.filter(pk=bad.pk).update(period=[NOW - 11 * HOUR, None])
    bad.refresh_from_db()
    with monkeypatch.context() as patched:
        patched.setattr(evaluation, "evaluate", breaks)
        assert evaluate() == 9
        assert Alert.objects.valid().count() == 8
        watch = AlertWatch.objects.exclude(problem="").get()
        assert (watch.tracker_id, watch.problem) == (bad.tracker_id, "ValueError: nobody thought of this")
        assert (watch.changed_since, watch.due_at) == (NOW, NOW + HOUR)
        assert evaluating.trackers_not_evaluated() == 1
        assert evaluate(NOW + 59 * timedelta(minutes=1)) == 0
    assert evaluate(NOW + HOUR) == 1
    assert Alert.objects.valid().count() == 9
    assert evaluating.trackers_not_evaluated() == 0


def test_news_comes_before_routine() -> None:
    routine, news = assigned(), assigned()
    AlertWatch.objects.create(tracker=routine.tracker, due_at=NOW - DAY)
    AlertWatch.objects.create(tracker=news.tracker, due_at=NOW, changed_since=NOW)
    evaluating.evaluate_due(most=1, now=NOW)
    assert AlertWatch.objects.get(due_at__lte=NOW).tracker == routine.tracker
