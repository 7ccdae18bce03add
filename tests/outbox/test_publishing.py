"""Facts are written in the transaction of what they tell, numbered without a gap for each stream."""

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from django.db import IntegrityError, connection, transaction

from foundation import bulk
from outbox import services
from outbox.facts import FactType, NewFact
from outbox.models import Fact
from outbox.partitioning import FACTS
from outbox.services import NoTransactionError
from tests.factories import NOW, ClientFactory

pytestmark = pytest.mark.django_db


def fact(subject_id=1, *, type=FactType.TRACKER_ENTERED, client_id=None, **data):
    return NewFact(type=type, subject_id=subject_id, client_id=client_id, occurred_at=NOW, data=data)


def publish(*facts):
    with transaction.atomic():
        services.publish_all(facts, now=NOW)


def streams():
    rows = Fact.objects.order_by("id").values_list("subject", "client_id", "sequence")
    return [tuple(row) for row in rows]


def test_fact_says_what_was_handed_in():
    client = ClientFactory()
    services.publish(
        type=FactType.ORDER_MOVED,
        subject_id=7,
        client_id=client.pk,
        occurred_at=NOW - timedelta(days=3),
        data={"to": "SHIPPED", "name": "Größe"},
        now=NOW,
    )
    stored = Fact.objects.get()
    assert (stored.type, stored.subject, stored.client) == ("order.moved", "order/7", client)
    assert (stored.occurred_at, stored.recorded_at) == (NOW - timedelta(days=3), NOW)
    assert stored.data == {"to": "SHIPPED", "name": "Größe"}
    assert stored.sequence == 1


def test_facts_keep_their_order_and_each_stream_counts_its_own():
    one, other = ClientFactory(), ClientFactory()
    publish(
        fact(1, client_id=one.pk), fact(2), fact(1, client_id=other.pk), fact(1, client_id=one.pk), fact(2)
    )
    publish(fact(1, client_id=one.pk), fact(1))
    assert streams() == [
        ("tracker/1", one.pk, 1),
        ("tracker/2", None, 1),
        ("tracker/1", other.pk, 1),
        ("tracker/1", one.pk, 2),
        ("tracker/2", None, 2),
        ("tracker/1", one.pk, 3),
        ("tracker/1", None, 1),
    ]


def test_kinds_of_subjects_are_apart():
    publish(fact(1), fact(1, type=FactType.ORDER_MOVED), fact("x/1", type=FactType.RUN_CHANGED))
    assert [subject for subject, _, number in streams() if number == 1] == ["tracker/1", "order/1", "run/x/1"]


def test_thousands_are_one_statement(django_assert_num_queries):
    with transaction.atomic(), django_assert_num_queries(0):
        # Bulk statements bypass Django's cursor: none may be beside the one.
        services.publish_all([fact(number % 700, number=number) for number in range(3_000)], now=NOW)
    assert Fact.objects.count() == 3_000
    assert list(Fact.objects.order_by("id").values_list("data__number", flat=True)) == list(range(3_000))


def test_what_is_rolled_back_told_nothing_and_leaves_no_gap():
    publish(fact())
    with transaction.atomic():
        services.publish_all([fact(), fact()], now=NOW)
        transaction.set_rollback(True)
    publish(fact())
    assert [number for _, _, number in streams()] == [1, 2]


def test_nothing_to_tell_asks_nothing(monkeypatch):
    def refuse(*_):
        raise AssertionError

    monkeypatch.setattr(bulk, "execute", refuse)
    publish()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("facts", [[], [fact()]], ids=len)
def test_publishing_outside_of_a_transaction_is_refused(facts):
    with pytest.raises(NoTransactionError, match=r"inside of transaction\.atomic"):
        services.publish_all(facts, now=NOW)
    assert not Fact.objects.exists()


def test_times_in_data_are_told_in_utc_to_the_microsecond():
    moment = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=timezone(timedelta(hours=2)))
    told = json.loads(fact(at=moment, day=moment.date()).data_as_json)
    assert told == {"at": "2026-03-01T10:00:00.123456Z", "day": "2026-03-01"}
    assert datetime.fromisoformat(told["at"]) == moment.astimezone(UTC)


@pytest.mark.parametrize(
    ("data", "error"),
    [({"x": float("nan")}, ValueError), ({"x": object()}, TypeError)],
    ids=["nan", "object"],
)
def test_what_json_can_t_say_is_refused(data, error):
    with pytest.raises(error):
        publish(fact(**data))


def test_subject_without_an_id_is_refused():
    with pytest.raises(IntegrityError, match="fact_subject_is_kind_and_id"):
        publish(fact(""))


def test_facts_are_stored_by_month():
    publish(fact())
    assert f"{FACTS.table}_2026_03" in FACTS.ensure(now=NOW)
    with connection.cursor() as cursor:
        cursor.execute("SELECT tableoid::regclass::text FROM outbox_fact")
        assert cursor.fetchall() == [(f"{FACTS.table}_{NOW:%Y_%m}",)]
    publish(fact())
    assert [number for _, _, number in streams()] == [1, 2]
