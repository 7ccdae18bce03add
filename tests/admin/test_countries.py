"""In which countries a run's trackers may be, and the alerts of those that left them, as ops see them."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from clients.models import ProductionRun
from foundation.admin.audit import entries_of
from tests.admin.test_orders import run_form
from tests.factories import NOW, AssignmentFactory, RunFactory
from trackers.models import Alert
from trackers.services.alerts import borders

pytestmark = pytest.mark.django_db


@pytest.fixture
def run() -> ProductionRun:
    return RunFactory.create()


def page_of(ops: Client, run: ProductionRun) -> str:
    return ops.get(reverse("admin:clients_productionrun_change", args=[run.pk])).content.decode()


def change(ops: Client, run: ProductionRun, countries: list[str]) -> Any:
    form = run_form(run, countries=countries)
    return ops.post(reverse("admin:clients_productionrun_change", args=[run.pk]), form)


def test_countries_are_chosen_by_name_and_audited(ops: Client, run: ProductionRun) -> None:
    page = page_of(ops, run)
    assert '<option value="FR">France</option>' in page
    answer = change(ops, run, ["FR", "DE"])
    assert answer.status_code == 302
    assert "in force within a minute" in ops.get(answer.url).content.decode()
    run.refresh_from_db()
    assert run.countries == ["DE", "FR"]
    assert '<option value="FR" selected>France</option>' in page_of(ops, run)
    assert [(each.field, each.before, each.after) for each in entries_of(run)[0].changes] == [
        ("countries", "–", "DE, FR")
    ]
    assert change(ops, run, []).status_code == 302
    run.refresh_from_db()
    assert run.countries == []


def test_what_is_no_country_is_refused(ops: Client, run: ProductionRun) -> None:
    page = change(ops, run, ["FR", "Atlantis"])
    assert "Atlantis is not one of the available choices" in page.content.decode()
    run.refresh_from_db()
    assert run.countries == []


def test_the_runs_page_tells_the_countries_in_force(ops: Client, run: ProductionRun) -> None:
    assert "Shown within a minute" in page_of(ops, run)
    borders.keep_up_countries(most=10, now=NOW)
    assert "it has no locations" in page_of(ops, run)
    ProductionRun.objects.update(countries=["FR", "CZ"])
    borders.keep_up_countries(most=10, now=NOW)
    assert "Czechia, France" in page_of(ops, run)
    assert ops.get(reverse("admin:clients_productionrun_add")).status_code == 200


def test_an_alert_tells_the_country(ops: Client, run: ProductionRun) -> None:
    assignment = AssignmentFactory(run=run)
    alert = Alert.objects.create(
        kind="LEFT_COUNTRY",
        tracker=assignment.tracker,
        assignment=assignment,
        country="FR",
        began_at=NOW,
        latest_at=NOW + timedelta(hours=1),
        recorded_at=NOW,
    )
    for page, args in (
        ("admin:trackers_alert_changelist", []),
        ("admin:trackers_alert_change", [alert.pk]),
        ("admin:trackers_tracker_change", [assignment.tracker_id]),
    ):
        text = ops.get(reverse(page, args=args)).content.decode()
        assert "Left the country" in text
        assert "France" in text
