"""Alerts and analytics, as ops see them."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from orders.models import Order
from tests.admin.worlds import World
from tests.factories import AssignmentFactory, MembershipFactory, StaffFactory
from tests.trackers.reports import incoming
from trackers.models import Alert
from trackers.services.alerts import evaluating
from trackers.services.reports import recording


def urls(world: World) -> list[str]:
    run: Any = world.run
    return [
        reverse("admin:clients_productionrun_analytics", args=[run.pk]),
        reverse("admin:clients_client_analytics", args=[run.brand.client.pk]),
        reverse("admin:locations_storagelocation_analytics", args=[world.storage.pk]),
        reverse("admin:locations_deliverylocation_analytics", args=[world.delivery.pk]),
        reverse("admin:orders_order_analytics", args=[Order.objects.get().pk]),
    ]


def test_pages_show_status_periods_and_dwell_times(ops: Client, world: World) -> None:
    for url in urls(world):
        page = ops.get(url)
        assert page.status_code == 200, url
        assert "Dwell times" in page.content.decode()
    of_run = ops.get(urls(world)[0]).content.decode()
    assert "Utrecht depot" in of_run
    assert "<polyline" in of_run
    assert world.trackers[0].mac in of_run


@pytest.mark.parametrize(
    "query",
    [
        "days=7",
        "days=rubbish",
        "periods_after=rubbish",
        "periods_after=1~2026-01-01~2",
        "periods_after=1~x~9",
    ],
)
def test_rubbish_in_the_address_is_ignored(ops: Client, world: World, query: str) -> None:
    for url in urls(world):
        assert ops.get(f"{url}?{query}").status_code == 200


def test_status_periods_have_pages(ops: Client, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trackers.pages.analytics.PERIODS_LISTED", 2)
    url = urls(world)[0]
    first = ops.get(url)
    seen = [period.id for period in first.context["periods"]]
    following = first.context["periods_following"]
    while following:
        page = ops.get(url, {"periods_after": following})
        seen += [period.id for period in page.context["periods"]]
        following = page.context["periods_following"]
    assert len(seen) == len(set(seen)) > 4


def test_pages_are_for_staff_with_permission(client: Client, world: World) -> None:
    for url in urls(world):
        client.force_login(StaffFactory())
        assert client.get(url).status_code in (403, 404), url
        client.force_login(MembershipFactory().user)
        assert client.get(url).status_code == 302, url


def raise_alerts(number: int) -> None:
    now = timezone.now()
    for _ in range(number):
        assignment = AssignmentFactory(start=now - timedelta(days=1))
        recording.record_reports(
            [incoming(assignment.tracker_id, now - timedelta(hours=1), battery="LOW")], now=now
        )
    evaluating.evaluate_due(most=1000, now=now)


def test_alerts_are_listed_until_they_end(ops: Client, world: World) -> None:
    raise_alerts(2)
    first, second = Alert.objects.filter(kind="BATTERY_LOW").order_by("pk")
    Alert.objects.filter(pk=first.pk).update(ended_at=timezone.now())
    url = reverse("admin:trackers_alert_changelist")

    def listed(**query: str) -> set[Any]:
        return {row.pk for row in ops.get(url, {"kind": "BATTERY_LOW", **query}).context["cl"].result_list}

    assert listed() == {second.pk}
    assert listed(standing="ended") == {first.pk}
    assert listed(standing="any") == {first.pk, second.pk}
    assert listed(standing="retracted") == set()
    Alert.objects.filter(pk=second.pk).update(retracted_at=timezone.now())
    assert listed(standing="retracted") == {second.pk}


def test_the_start_page_and_the_trackers_page_tell_alerts(ops: Client, world: World) -> None:
    raise_alerts(3)
    assert ("BATTERY_LOW", "Battery low", 3) in [tuple(each) for each in ops.get("/admin/").context["alerts"]]
    alert = Alert.objects.filter(kind="BATTERY_LOW")[0]
    page = ops.get(reverse("admin:trackers_tracker_change", args=[alert.tracker_id])).content.decode()
    assert reverse("admin:trackers_alert_change", args=[alert.pk]) in page


@pytest.fixture
def queries_of(ops: Client, django_assert_max_num_queries: Any) -> Callable[[str, int], None]:
    def check(url: str, most: int) -> None:
        with django_assert_max_num_queries(most):
            ops.get(url)

    return check


def test_pages_cost_the_same_for_many_rows(world: World, queries_of: Callable[[str, int], None]) -> None:
    raise_alerts(15)
    for url in [*urls(world), reverse("admin:trackers_alert_changelist")]:
        queries_of(url, 16)
