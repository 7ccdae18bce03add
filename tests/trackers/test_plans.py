"""What replays, tuning, verification and alerts read of a large fleet, they read by index, and only of the trackers
that they ask for."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from foundation import bulk
from locations.models import Location
from tests.factories import NOW
from tests.plans import explain_bulk
from tests.trackers.large_fleet import assert_by_index, fleet, is_large
from trackers.models import RecomputationJob, RecomputationTarget, Retraction, Tracker
from trackers.services import history
from trackers.services.alerts import evaluating
from trackers.services.history import Cause
from trackers.services.recomputation import jobs, queueing, recomputing, tuning
from trackers.services.recomputation.pacing import Pace

__all__ = ["fleet"]

pytestmark = pytest.mark.django_db
REPORTS_BY_TRACKER = r"trackers_locationreport_\d{4}_\d{2}_pkey"
PERIODS_BY_TRACKER = "status_change_of_tracker"


@pytest.fixture
def plans(
    planner: None, monkeypatch: pytest.MonkeyPatch
) -> Callable[[Callable[[], Any]], dict[str, list[dict[str, Any]]]]:
    """The plans of what is fetched in bulk while some work is done, by the beginning of the statement."""
    fetch = bulk._fetch
    found: dict[str, list[dict[str, Any]]] = {}

    def explain(query: Any, parameters: dict[str, Any], *others: Any) -> list[Any]:
        text = query if isinstance(query, str) else query.as_string()
        if not text.lstrip().startswith(("INSERT", "UPDATE", "DELETE")):
            found.setdefault(text.lstrip().split("\n", 1)[0], []).extend(explain_bulk(text, parameters))
        return fetch(query, parameters, *others)

    def explained(work: Callable[[], Any]) -> dict[str, list[dict[str, Any]]]:
        found.clear()
        with monkeypatch.context() as patched:
            patched.setattr(bulk, "_fetch", explain)
            work()
        return {
            name: plan
            for name, plan in found.items()
            if any(is_large(node.get("Relation Name", "")) for node in plan)
        }

    return explained


def some_trackers() -> list[int]:
    return list(Tracker.objects.order_by("pk").values_list("pk", flat=True)[:20])


def test_replays_read_their_trackers_by_index(fleet: None, plans: Any) -> None:
    found = plans(
        lambda: recomputing.recompute_all(
            tracker_ids=some_trackers(), cause=Cause(Retraction.REQUEST), now=NOW, pace=Pace(lambda: NOW)
        )
    )
    assert len(found) >= 3
    for plan in found.values():
        assert_by_index(plan, f"{REPORTS_BY_TRACKER}|{PERIODS_BY_TRACKER}|event_of_status_change")


def test_who_was_near_a_changed_fence_is_found_by_index(fleet: None, plans: Any) -> None:
    location = Location.objects.order_by("pk")[0]
    before = queueing.fence_of(location.pk)
    Location.objects.filter(pk=location.pk).update(radius_m=500)
    job = queueing.queue_fence(location_id=location.pk, before=before, actor=None, now=NOW)
    assert isinstance(job, RecomputationJob)
    targets = list(RecomputationTarget.objects.filter(job=job).order_by("tracker")[:20])
    RecomputationTarget.objects.filter(job=job).update(certain=False)
    for target in targets:
        target.certain = False
    (plan,) = plans(lambda: jobs.affected(job=job, targets=targets)).values()
    assert_by_index(plan, REPORTS_BY_TRACKER)


def test_radii_are_tried_on_reports_read_by_index(fleet: None, plans: Any) -> None:
    location = Location.objects.order_by("pk")[0]
    found = plans(lambda: tuning.try_radii(location=location, now=NOW))
    assert found
    for plan in found.values():
        assert_by_index(plan, REPORTS_BY_TRACKER)


def test_evaluations_of_alerts_read_their_trackers_by_index(fleet: None, plans: Any) -> None:
    history.mark_changed(some_trackers(), now=NOW - timedelta(hours=1))
    found = plans(lambda: evaluating.evaluate_due(most=20, now=NOW))
    assert len(found) >= 2
    for plan in found.values():
        assert_by_index(
            plan, rf"{REPORTS_BY_TRACKER}|trackers_(statuschange|alert)_assignment_id_.*|trackers_alert_pkey"
        )


def test_statistics_are_there(fleet: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT reltuples FROM pg_class WHERE relname = 'trackers_statuschange'")
        assert cursor.fetchone()[0] > 10_000
