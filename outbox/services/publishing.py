"""The one way by which facts are published: in the transaction of what they tell."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import connection

from foundation import bulk, sql
from outbox.facts import FactType, NewFact

PUBLISH_FACTS = sql.load("outbox/publish_facts")


class NoTransactionError(RuntimeError):
    """A fact was to be published outside of the transaction of what it tells."""


def publish(
    *,
    type: FactType,
    subject_id: int | str,
    client_id: int | None,
    occurred_at: datetime,
    data: Mapping[str, Any],
    now: datetime,
) -> None:
    """Publish one fact in the caller's transaction; `NewFact` says what the arguments hold. now: when it got known.

    Raises NoTransactionError outside of one.
    """
    fact = NewFact(type=type, subject_id=subject_id, client_id=client_id, occurred_at=occurred_at, data=data)
    publish_all([fact], now=now)


def publish_all(facts: Sequence[NewFact], *, now: datetime) -> None:
    """Publish facts in this order, in the caller's transaction and in one statement, however many they are.

    Their streams (a subject's facts for a client) stay locked until the transaction ends. Who publishes several
    times in one transaction first takes the lock of what the facts tell of, as `trackers` and `orders` do.
    Raises NoTransactionError outside of a transaction.
    """
    if not connection.in_atomic_block:
        raise NoTransactionError(
            "A fact is published in the transaction of what it tells: call this inside of transaction.atomic()."
        )
    if not facts:
        return
    columns = {
        "types": [fact.type.value for fact in facts],
        "subjects": [fact.subject for fact in facts],
        "client_ids": [fact.client_id for fact in facts],
        "occurred_ats": [fact.occurred_at for fact in facts],
        "data": [fact.data_as_json for fact in facts],
    }
    bulk.execute(PUBLISH_FACTS, columns | {"now": now})
