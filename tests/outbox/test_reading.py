"""Readers with a cursor miss nothing: real transactions on connections of their own, in every awkward order."""

import random
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from django.db import connection, transaction
from django.utils import timezone

from outbox import services, tasks
from outbox.facts import FactType, NewFact
from outbox.partitioning import FACTS
from outbox.selectors import CursorTooOldError, InvalidCursorError
from tests.factories import NOW
from tests.outbox.reading import read_after
from tests.sessions import sessions

pytestmark = pytest.mark.django_db(transaction=True)


def fact(subject_id=1, client_id=None, **data):
    return NewFact(
        type=FactType.TRACKER_ENTERED, subject_id=subject_id, client_id=client_id, occurred_at=NOW, data=data
    )


def publish(*facts, now=NOW):
    with transaction.atomic():
        services.publish_all(facts, now=now)


def read_all(cursor=None, limit=10, client_ids="all"):
    """All that is to be had now, by pages."""
    facts = []
    while True:
        page = read_after(cursor=cursor, limit=limit, client_ids=client_ids)
        facts += page.facts
        cursor = page.cursor
        if not page.more:
            return facts, cursor


def subjects(facts):
    return [fact.subject for fact in facts]


def test_early_transaction_that_commits_late_is_not_missed():
    """Fetch A writes first and commits last; the reader polls in between."""
    with sessions(2) as (early, late):
        early.run(services.publish_all, [fact(1)], now=NOW)
        late.run(services.publish_all, [fact(2)], now=NOW)
        late.commit()
        between, cursor = read_all()
        early.commit()
        rest, _ = read_all(cursor)
    assert subjects(between) == []
    assert subjects(rest) == ["tracker/1", "tracker/2"]


def test_thirty_of_a_moment_are_got_by_pages_of_ten():
    publish(*(fact(number) for number in range(30)))
    page = read_after(cursor=None, limit=10, client_ids="all")
    assert page.more
    rest, _ = read_all(page.cursor)
    assert subjects([*page.facts, *rest]) == [f"tracker/{number}" for number in range(30)]


def test_thirty_are_got_while_rows_change_between_pages():
    publish(*(fact(number) for number in range(30)))
    page = read_after(cursor=None, limit=10, client_ids="all")
    publish(fact(0), fact(1), fact(2))
    rest, _ = read_all(page.cursor)
    assert len({*subjects(page.facts), *subjects(rest)}) == 30
    assert subjects(rest)[-3:] == ["tracker/0", "tracker/1", "tracker/2"]


def test_long_transaction_holds_back_only_what_is_above_it():
    publish(fact(1))
    with sessions(1) as (long,):
        long.take_id()
        publish(fact(2))
        held_back, cursor = read_all()
        assert subjects(held_back) == ["tracker/1"]
        long.roll_back()
        rest, _ = read_all(cursor)
    assert subjects(rest) == ["tracker/2"]


def test_open_transaction_that_wrote_nothing_holds_nothing_back():
    with sessions(1) as (idle,):
        idle.execute("SELECT 1")
        publish(fact(1))
        assert subjects(read_all()[0]) == ["tracker/1"]


def test_own_uncommitted_facts_are_not_read():
    with transaction.atomic():
        services.publish_all([fact(1)], now=NOW)
        assert read_all()[0] == []


def test_earlier_transaction_that_gets_the_stream_later_is_read_later():
    """A transaction's number says when it began to write, not when it got the lock of a stream."""
    with sessions(2) as (first, second):
        first.take_id()
        second.run(services.publish_all, [fact(1, order=1)], now=NOW)
        waiting = first.start(services.publish_all, [fact(1, order=2)], now=NOW)
        second.commit()
        waiting.result(30)
        first.commit()
    facts, _ = read_all(limit=1)
    assert [(each.sequence, each.data["order"]) for each in facts] == [(1, 1), (2, 2)]
    assert facts[1].previous_id == facts[0].id
    assert facts[0].previous_id is None


def test_streams_in_opposite_order_don_t_wait_for_each_other():
    barrier = threading.Barrier(2)

    def work(order):
        try:
            for _ in range(20):
                barrier.wait(30)
                publish(*(fact(number) for number in order))
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(work, [range(30), range(29, -1, -1)]))
    facts, _ = read_all(limit=100)
    assert len(facts) == 1_200


def write_by_chance(seed, writer):
    chance = random.Random(f"{seed}/{writer}")
    try:
        for turn in range(12):
            with transaction.atomic():
                facts = [fact(chance.randrange(6), chance.choice([None, 1, 2])) for _ in range(4)]
                services.publish_all(facts, now=NOW - timedelta(minutes=chance.randrange(90)))
                services.publish_all([fact(100 + writer, writer=writer, turn=turn)], now=NOW)
                if chance.random() < 0.2:
                    transaction.set_rollback(True)
    finally:
        connection.close()


@pytest.mark.parametrize("seed", range(3))
def test_many_readers_beside_many_writers_get_each_fact_once_and_in_order(seed):
    done = threading.Event()

    def follow(limit):
        try:
            facts, cursor = [], None
            while True:
                over = done.is_set()
                more, cursor = read_all(cursor, limit)
                facts += more
                if over:
                    return facts
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        readers = [pool.submit(follow, limit) for limit in (1, 3, 7, 500)]
        writers = [pool.submit(write_by_chance, seed, writer) for writer in range(4)]
        for writer in writers:
            writer.result(120)
        done.set()
        followed = [reader.result(120) for reader in readers]
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM outbox_fact")
        (written,) = cursor.fetchone()
    for facts in followed:
        assert len(facts) == len({each.id for each in facts}) == written
        got = {None}
        for each in facts:
            assert each.previous_id in got, "a fact came before the one that it follows"
            got.add(each.id)


def test_clients_get_their_own_and_see_no_gap():
    publish(fact(1, 1), fact(1, 2), fact(1), fact(2, 2), fact(1, 1), fact(3, 3))
    facts, _ = read_all(client_ids=[1])
    assert [(each.subject, each.client_id, each.sequence) for each in facts] == [
        ("tracker/1", 1, 1),
        ("tracker/1", 1, 2),
    ]
    both, _ = read_all(client_ids=[2, 1], limit=1)
    assert [(each.client_id, each.subject) for each in both] == [
        (1, "tracker/1"),
        (2, "tracker/1"),
        (2, "tracker/2"),
        (1, "tracker/1"),
    ]
    assert read_all(client_ids=[])[0] == []
    assert len(read_all()[0]) == 6


def test_cursor_of_an_empty_page_goes_on_from_the_same_place():
    empty = read_after(cursor=None, limit=5, client_ids="all")
    assert (empty.facts, empty.more) == ([], False)
    publish(fact(1))
    page = read_after(cursor=empty.cursor, limit=5, client_ids="all")
    assert subjects(page.facts) == ["tracker/1"]
    assert read_after(cursor=page.cursor, limit=5, client_ids="all").cursor == page.cursor


@pytest.mark.parametrize(
    "cursor", ["", "x", "MTI6MTI", "é", "LTE6MQ==", "MTox\n", "OTk5OTk5OTk5OTk5OTk5OTk5OTk5OjE="]
)
def test_cursor_that_nobody_gave_is_refused(cursor):
    with pytest.raises(InvalidCursorError):
        read_after(cursor=cursor, limit=1, client_ids="all")


@pytest.mark.parametrize("limit", [0, -1, 10_001])
def test_limit_is_bounded(limit):
    with pytest.raises(ValueError, match="limit"):
        read_after(cursor=None, limit=limit, client_ids="all")


def test_old_months_go_and_who_missed_them_is_told(settings):
    settings.OUTBOX_RETENTION_DAYS = 30
    long_ago = NOW - timedelta(days=100)
    publish(fact(1), fact(2), now=long_ago)
    publish(fact(3), now=NOW)
    FACTS.ensure(now=NOW)
    one_behind = read_after(cursor=None, limit=1, client_ids="all").cursor
    in_step = read_after(cursor=one_behind, limit=1, client_ids="all").cursor
    assert services.drop_old_facts(now=NOW) == [f"{FACTS.table}_{long_ago:%Y_%m}"]
    assert services.drop_old_facts(now=NOW) == []
    with pytest.raises(CursorTooOldError):
        read_after(cursor=one_behind, limit=1, client_ids="all")
    assert subjects(read_after(cursor=in_step, limit=9, client_ids="all").facts) == ["tracker/3"]
    assert subjects(read_all()[0]) == ["tracker/3"]
    publish(fact(1), now=NOW)
    assert read_all()[0][-1].sequence == 2


def test_month_goes_only_after_its_last_day_is_old_enough(settings):
    settings.OUTBOX_RETENTION_DAYS = 30
    first_day = datetime(2026, 1, 1, tzinfo=UTC)
    publish(fact(1), now=first_day)
    FACTS.ensure(now=NOW)
    end = datetime(2026, 2, 1, tzinfo=UTC) + timedelta(days=30)
    assert services.drop_old_facts(now=end - timedelta(seconds=1)) == []
    assert services.drop_old_facts(now=end) == [f"{FACTS.table}_2026_01"]


def test_facts_are_kept_for_ever_where_no_days_are_set(settings):
    settings.OUTBOX_RETENTION_DAYS = 0
    publish(fact(1), now=NOW - timedelta(days=4_000))
    FACTS.ensure(now=NOW)
    assert services.drop_old_facts(now=NOW) == []
    assert subjects(read_all()[0]) == ["tracker/1"]


def test_task_makes_months_and_drops_old_ones(settings):
    settings.OUTBOX_RETENTION_DAYS = 1
    publish(fact(1), now=NOW - timedelta(days=4_000))
    tasks.keep_partitions_of_facts()
    assert read_all()[0] == []
    assert f"{FACTS.table}_{timezone.now():%Y_%m}" in {each.name for each in FACTS.existing()}


@pytest.fixture(autouse=True)
def _no_months():
    """Partitions outlive the truncation by which these tests end."""
    yield
    for partition in FACTS.existing():
        if month := FACTS.month_of(partition.name):
            FACTS.drop(month)


def test_a_transaction_of_another_database_holds_nothing_back():
    publish(fact(1))
    server = connection.settings_dict
    with psycopg.connect(
        host=server["HOST"], port=server["PORT"] or None, user=server["USER"], dbname="postgres"
    ) as other:
        other.execute("SELECT pg_current_xact_id()")
        publish(fact(2))
        assert subjects(read_all()[0]) == ["tracker/1", "tracker/2"]
