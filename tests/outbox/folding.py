"""What a follower of a tracker's facts believes: everything that was told, without what was retracted."""

from outbox.models import Fact
from trackers.models import GeofenceEvent, StatusChange

RETRACTIONS = {
    "tracker.entry_retracted": "tracker.entered",
    "tracker.exit_retracted": "tracker.exited",
    "tracker.status_change_retracted": "tracker.status_changed",
}
CROSSINGS = {"ENTRY": "tracker.entered", "EXIT": "tracker.exited"}


def fold(facts):
    """The believed facts in order of time, each as type, what happened where and when, and to whom it was told.

    Fails if a retraction names nothing that is believed, or if something is told twice.
    """
    believed = {}
    for fact in facts:
        taken_back = RETRACTIONS.get(fact.type)
        key = (taken_back or fact.type, fact.subject, fact.data["status_change"])
        if taken_back:
            assert believed.pop(key)[1:] == _content(fact), f"{fact} retracts what was told otherwise"
        else:
            assert key not in believed, f"{fact} was told twice"
            believed[key] = (key[0], *_content(fact))
    return sorted(believed.values(), key=repr)


def _content(fact):
    return (
        fact.subject,
        fact.client_id,
        fact.data["assignment"],
        fact.data["status_change"],
        fact.data.get("status"),
        fact.data["location"],
        fact.occurred_at,
    )


def stored():
    """The same of the valid rows of history and events, read from their own tables."""
    periods = StatusChange.objects.valid().select_related("assignment__run__brand")
    events = GeofenceEvent.objects.valid().filter(type__in=CROSSINGS).select_related("assignment__run__brand")
    rows = [
        ("tracker.status_changed", *_owner(row), row.pk, row.status, row.location_id, row.started_at)
        for row in periods
    ]
    rows += [
        (CROSSINGS[row.type], *_owner(row), row.status_change_id, None, row.location_id, row.occurred_at)
        for row in events
    ]
    return sorted(rows, key=repr)


def _owner(row):
    return f"tracker/{row.tracker_id}", row.assignment.run.brand.client_id, row.assignment_id


def published():
    """All facts of trackers in the order of the readers, from within the transaction that wrote them."""
    return list(
        Fact.objects.raw("SELECT * FROM outbox_fact WHERE subject LIKE 'tracker/%%' ORDER BY txid, id")
    )
