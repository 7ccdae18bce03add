"""What the filters of the admin's lists let through."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from tests.factories import (
    AssignmentFactory,
    EventFactory,
    RejectedReportFactory,
    StatusChangeFactory,
    StorageFactory,
)
from trackers.models import Assignment, GeofenceEvent

pytestmark = pytest.mark.django_db

Type = GeofenceEvent.Type


def listed(ops: Client, model: str, **query: str) -> list[Any]:
    answer = ops.get(reverse(f"admin:trackers_{model}_changelist"), query)
    assert answer.status_code == 200
    return list(answer.context["cl"].result_list)


def event_of(assignment: Assignment, kind: str) -> None:
    now = timezone.now()
    if kind not in (Type.ENTRY, Type.EXIT):
        EventFactory(assignment=assignment, type=kind, occurred_at=now)
        return
    depot = StorageFactory()
    change = StatusChangeFactory(assignment=assignment, status="IN_STORAGE", location=depot, started_at=now)
    EventFactory(assignment=assignment, type=kind, location=depot, status_change=change, occurred_at=now)


@pytest.mark.parametrize(
    ("chosen", "shown"),
    [
        ("", {"ENTRY", "EXIT"}),
        ("any", {"ENTRY", "EXIT", "TRANSIT"}),
        ("ENTRY", {"ENTRY"}),
        ("TRANSIT", {"TRANSIT"}),
    ],
)
def test_events_are_arrivals_and_departures_unless_others_are_chosen(
    ops: Client, chosen: str, shown: set[str]
) -> None:
    for kind in (Type.ENTRY, Type.EXIT, Type.TRANSIT):
        event_of(AssignmentFactory(), kind)
    events = listed(ops, "geofenceevent", **({"type": chosen} if chosen else {}))
    assert {event.type for event in events} == shown


@pytest.mark.parametrize(("chosen", "shown"), [("", [False]), ("yes", [True]), ("any", [False, True])])
def test_rejected_reports_are_open_ones_unless_others_are_chosen(
    ops: Client, chosen: str, shown: list[bool]
) -> None:
    RejectedReportFactory()
    RejectedReportFactory(resolved_at=timezone.now())
    rows = listed(ops, "rejectedreport", **({"resolved": chosen} if chosen else {}))
    assert sorted(row.resolved_at is not None for row in rows) == shown
