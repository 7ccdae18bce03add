"""Ops read facts, by type, client and subject; nobody changes one, and no page counts them."""

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from outbox import services
from outbox.facts import FactType, NewFact
from outbox.models import Fact
from tests import plans
from tests.factories import NOW, ClientFactory, StaffFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def ops(client):
    client.force_login(StaffFactory(is_superuser=True))
    return client


@pytest.fixture
def clients():
    return [ClientFactory(name="Acme"), ClientFactory(name="Umbra")]


@pytest.fixture(autouse=True)
def facts(clients):
    wanted = [
        NewFact(
            type=FactType.ORDER_MOVED,
            subject_id=1,
            client_id=clients[0].pk,
            occurred_at=NOW,
            data={"to": "<b>"},
        ),
        NewFact(type=FactType.ALERT_BEGAN, subject_id=1, client_id=clients[1].pk, occurred_at=NOW),
        NewFact(type=FactType.SITE_OUTAGE_BEGAN, subject_id=1, client_id=None, occurred_at=NOW),
    ]
    with transaction.atomic():
        services.publish_all(wanted, now=NOW)


def listed(ops, **query):
    page = ops.get(reverse("admin:outbox_fact_changelist"), query)
    assert page.status_code == 200
    return [fact.type for fact in page.context["cl"].result_list]


def test_latest_comes_first(ops):
    assert listed(ops) == ["site_outage.began", "alert.began", "order.moved"]


def test_filters_by_type_client_and_subject(ops, clients):
    assert listed(ops, type="alert.began") == ["alert.began"]
    assert listed(ops, client__id__exact=clients[0].pk) == ["order.moved"]
    assert listed(ops, q="order/1") == ["order.moved"]
    assert listed(ops, q="order") == []


def test_every_type_can_be_chosen(ops):
    page = ops.get(reverse("admin:outbox_fact_changelist")).content.decode()
    assert all(f'value="{type_.value}"' in page for type_ in FactType)


def test_nothing_is_counted(ops):
    with CaptureQueriesContext(connection) as queries:
        listed(ops)
    assert not [query for query in queries if "COUNT(" in query["sql"] and "outbox_fact" in query["sql"]]


def test_page_shows_the_data_and_changes_nothing(ops):
    fact = Fact.objects.get(type="order.moved")
    address = reverse("admin:outbox_fact_change", args=[fact.pk])
    page = ops.get(address).content.decode()
    assert "&lt;b&gt;" in page
    assert ops.post(address, {"type": "x"}).status_code == 403
    assert ops.get(reverse("admin:outbox_fact_delete", args=[fact.pk])).status_code == 403
    assert ops.get(reverse("admin:outbox_fact_add")).status_code == 403


def test_staff_without_the_permission_see_nothing(client):
    client.force_login(StaffFactory())
    assert client.get(reverse("admin:outbox_fact_changelist")).status_code == 403


def test_facts_of_a_type_are_listed_by_index(planner, facts, clients):
    """One in a hundred is of the type: too many to sort, and too few to find among all."""
    common, wanted = FactType.TRACKER_ENTERED, FactType.ALERT_BEGAN
    services.publish_all(
        [
            NewFact(
                type=common if number % 100 else wanted,
                subject_id=number,
                client_id=clients[0].pk,
                occurred_at=NOW,
            )
            for number in range(10_000)
        ],
        now=NOW,
    )
    plans.analyze("outbox_fact")
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_sort = off; SET LOCAL enable_bitmapscan = off")
    latest = Fact.objects.filter(type=wanted).order_by("-pk")[:50]
    query, parameters = latest.query.sql_with_params()
    plan = plans.explain(query, parameters)
    assert any("_type_id_idx" in name for name in plans.indexes(plan)), plan
    assert not [node for node in plan if node["Node Type"] == "Sort"]
