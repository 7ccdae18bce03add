"""Every page of the admin answers, to staff only, and costs the same whether there are few rows or many."""

from collections.abc import Callable
from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import Permission
from django.db import connection, models
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from django.utils.html import escape
from pghistory.models import Event

from ingestion.models import FetchState
from tests.admin.worlds import World, build_world
from tests.factories import (
    AssignmentFactory,
    EventFactory,
    StaffFactory,
    StatusChangeFactory,
    StorageFactory,
    UserFactory,
)
from tests.test_architecture import LAYERS
from trackers.models import Tracker

OURS = [app for app in apps.get_app_configs() if app.name in LAYERS]
EXCUSED = {
    "LocationReport": "composite key: listed on the tracker's page",
    "HourlyPosition": "composite key: the strip on the tracker's page",
    "DailyPosition": "composite key: listed on the tracker's page",
    "Gazetteer": "one row: `manage.py load_places` tells it",
    "Place": "GeoNames' own, shown beside trackers",
    "CountryArea": "Natural Earth's own, never shown",
    "LocationRun": "chosen on the location's page",
    "RunCountries": "shown on the run's page",
    "AlertWatch": "when trackers are evaluated: nothing for ops to do",
    "DeviceImportRow": "a page of them on the import's page",
    "RecomputationTarget": "composite key: those that failed are listed on the replay's page",
    "FactStream": "composite key: counts the facts of a subject",
    "ChangedRow": "composite key: what followers of the API are told by",
    "AcceptedBeforeCutoff": "what reports after the cutoff are held against: nothing for ops to do",
    "DroppedMonth": "what readers may have missed: nothing for ops to do",
    "FetchTally": "composite key: listed on the tracker's page",
}
MODELS = sorted(admin.site._registry, key=lambda model: model._meta.label)


def url_of(model: type[models.Model], page: str, *args: object) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


def label_of(model: type[models.Model]) -> str:
    return model._meta.label


@pytest.mark.parametrize("model", [model for app in OURS for model in app.get_models()], ids=label_of)
def test_every_model_is_in_the_admin_or_excused(model: type[models.Model]) -> None:
    if issubclass(model, Event):
        return  # The audit of a row is its page's history.
    assert admin.site.is_registered(model) or model.__name__ in EXCUSED


def test_nobody_is_excused_who_is_there() -> None:
    assert not EXCUSED.keys() & {model.__name__ for model in admin.site._registry}


def test_sidebar_leads_everywhere(ops: Client, world: World) -> None:
    linked = set()
    context = ops.get(reverse("admin:index")).context
    for group in context["sidebar_navigation"]:
        linked |= {str(item["link"]) for item in group["items"]}
    lists = {url_of(model, "changelist") for model in MODELS if model.__name__ != "Location"}
    assert lists <= linked


def test_lists_and_pages_answer(ops: Client, world: World) -> None:
    request = _request(ops)
    for model in MODELS:
        assert ops.get(url_of(model, "changelist")).status_code == 200, model
        row = admin.site._registry[model].get_queryset(request).first()
        if row is not None:
            assert ops.get(url_of(model, "change", row.pk)).status_code == 200, model


def test_empty_lists_say_what_to_do_next(ops: Client) -> None:
    for model in MODELS:
        page = ops.get(url_of(model, "changelist"), {"q": "zz"}).content.decode()
        hint = admin.site._registry[model].empty_hint
        if not admin.site._registry[model].get_queryset(_request(ops)).exists():
            page = ops.get(url_of(model, "changelist")).content.decode()
            assert escape(hint) in page, model


def test_add_pages_answer_or_are_refused(ops: Client) -> None:
    request = _request(ops)
    for model in MODELS:
        may_add = admin.site._registry[model].has_add_permission(request)
        assert ops.get(url_of(model, "add")).status_code == (200 if may_add else 403), model


@pytest.mark.parametrize(("person", "answer"), [(UserFactory, 302), (StaffFactory, 403)])
def test_without_permission_there_is_nothing(client: Client, db: Any, person: Any, answer: int) -> None:
    client.force_login(person())
    for model in MODELS:
        assert client.get(url_of(model, "changelist")).status_code == answer, model


def test_start_page_is_for_staff(client: Client, db: Any) -> None:
    assert client.get(reverse("admin:index")).status_code == 302
    client.force_login(UserFactory())
    assert client.get(reverse("admin:index")).status_code == 302


def test_staff_who_may_only_view_get_no_actions(client: Client, world: World) -> None:
    staff = StaffFactory()
    staff.user_permissions.add(Permission.objects.get(codename="view_tracker"))
    client.force_login(staff)
    page = client.get(url_of(Tracker, "change", world.trackers[0].pk))
    assert page.status_code == 200
    assert page.context["steps"] == []
    ask = reverse("admin:trackers_tracker_do", args=[world.trackers[0].pk, "release"])
    assert client.get(ask).status_code == 404


@pytest.fixture
def queries_of(ops: Client) -> Callable[[str], int]:
    def count(url: str) -> int:
        ops.get(url)
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert ops.get(url).status_code == 200
        return len(queries)

    return count


LISTED = (
    "trackers.Tracker",
    "trackers.GeofenceEvent",
    "trackers.StatusChange",
    "trackers.Assignment",
    "ingestion.FetchState",
    "locations.StorageLocation",
)


def test_lists_cost_the_same_for_many_rows(queries_of: Callable[[str], int], db: Any) -> None:
    urls = [url_of(apps.get_model(label), "changelist") for label in LISTED]
    now = timezone.now()
    first = build_world(now=now, trackers=2)
    few = [queries_of(url) for url in urls]
    _grow(first, now)
    assert [queries_of(url) for url in urls] == few
    assert max(few) <= 12


def test_tracker_page_costs_the_same_for_many_rows(queries_of: Callable[[str], int], world: World) -> None:
    small, large = world.trackers[-1], world.trackers[0]
    of_small = queries_of(url_of(Tracker, "change", small.pk))
    assert queries_of(url_of(Tracker, "change", large.pk)) == of_small
    assert of_small <= 26


def test_start_page_costs_the_same_for_many_rows(queries_of: Callable[[str], int], world: World) -> None:
    few = queries_of(reverse("admin:index"))
    _grow(world, timezone.now())
    assert queries_of(reverse("admin:index")) == few
    assert few <= 20


def _grow(world: World, now: Any) -> None:

    for assignment in AssignmentFactory.create_batch(30, run=world.run):
        EventFactory(assignment=assignment, occurred_at=now)
        StatusChangeFactory(assignment=assignment, started_at=now)
        FetchState.objects.create(tracker=assignment.tracker, next_due_at=now)
        StorageFactory(runs=[world.run])


def _request(ops: Client) -> Any:
    return ops.get(reverse("admin:index")).wsgi_request
