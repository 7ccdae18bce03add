"""Ops see who changed what: on the row's page and over everything."""

import pytest
from django.db import connection, transaction
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from clients.models import Client
from foundation import audit
from foundation.admin.audit import PER_PAGE, entries_of
from tests.factories import (
    AssignmentFactory,
    ClientFactory,
    LocationFactory,
    RunFactory,
    StaffFactory,
    TrackerFactory,
)
from trackers.models import Tracker

pytestmark = pytest.mark.django_db

LOG = reverse("audit-log")


def test_history_of_a_row_tells_who_changed_what(ops: Browser) -> None:
    run = RunFactory.create(name="Spring")
    url = reverse("admin:clients_productionrun_change", args=[run.pk])
    form = {
        "brand": run.brand_id,
        "name": "Autumn",
        "start_date": run.start_date,
        "end_date": run.end_date,
        "max_accuracy_m": run.max_accuracy_m,
        "exit_accuracy_cap_m": 100,
        "confirmations": 1,
        "max_speed_kmh": run.max_speed_kmh,
        "entry_accuracy_factor": run.entry_accuracy_factor,
    }
    ops.post(url, form)
    changed, added = entries_of(run)
    assert (changed.action, added.action) == ("changed", "added")
    assert [(c.field, c.before, c.after) for c in changed.changes] == [("name", "Spring", "Autumn")]
    page = ops.get(reverse("admin:clients_productionrun_history", args=[run.pk])).content.decode()
    assert "<del>Spring</del> → Autumn" in page
    assert changed.who in page
    assert changed.who != "the system"


def test_log_shows_reasons_names_and_links(ops: Browser) -> None:
    actor = StaffFactory.create(username="ada")
    with transaction.atomic(), audit.acting(actor, reason="dropped in the harbour"):
        tracker = TrackerFactory.create(mac="A1:00:00:00:00:01")
        assignment = AssignmentFactory.create(tracker=tracker)
    page = ops.get(LOG, {"who": "ADA"}).content.decode()
    assert "dropped in the harbour" in page
    assert reverse("admin:trackers_tracker_change", args=[tracker.pk]) in page
    assert str(assignment.run) in page


def test_log_goes_back_by_kind(ops: Browser) -> None:
    ClientFactory.create_batch(PER_PAGE + 5)
    first = ops.get(LOG, {"kind": "clients.clientaudit"})
    second = ops.get(LOG, {"kind": "clients.clientaudit", "before": first.context["older"]})
    shown = [entry.row for answer in (first, second) for entry in answer.context["entries"]]
    assert sorted(shown) == sorted(Client.objects.values_list("name", flat=True))


def test_one_statement_over_many_rows_is_one_line(ops: Browser) -> None:
    trackers = TrackerFactory.create_batch(4)
    Tracker.objects.filter(pk__in=[tracker.pk for tracker in trackers]).update(state=Tracker.State.LOST)
    [entry] = [e for e in ops.get(LOG).context["entries"] if e.action == "changed"]
    assert entry.others == 3
    assert [(c.before, c.after) for c in entry.changes] == [("In stock", "Lost")]


def test_log_costs_the_same_for_many_rows(ops: Browser) -> None:
    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as captured:
            ops.get(LOG)
        return len(captured)

    AssignmentFactory.create(), LocationFactory.create(runs=[RunFactory.create()])
    few = queries()
    AssignmentFactory.create_batch(10)
    assert queries() == few


@pytest.mark.parametrize("query", [{"who": "nobody"}, {"kind": "auth.user"}, {"before": "x"}])
def test_log_withstands_any_query(ops: Browser, query: dict[str, str]) -> None:
    answer = ops.get(LOG, query)
    assert answer.status_code == 200
    assert answer.context["form"].errors


def test_log_needs_permission(client: Browser) -> None:
    client.force_login(StaffFactory.create())
    assert client.get(LOG).status_code == 403


def test_deleted_row_is_listed_without_a_link(ops: Browser) -> None:
    gone = ClientFactory.create(name="Gone Ltd")
    gone.delete()
    [entry] = [e for e in ops.get(LOG).context["entries"] if e.action == "deleted"]
    assert (entry.row, entry.url) == ("Gone Ltd", "")
