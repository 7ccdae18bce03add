"""Facts that somebody outside may want to know, and where each stream of them stands."""

from django.db import models

from clients.models import Client
from foundation.tenancy import TenantQuerySet


class FactQuerySet(TenantQuerySet["Fact"]):
    client_path = "client"


class Fact(models.Model):
    """One fact, written in the transaction of what it tells and never changed. Range-partitioned by month of
    `recorded_at`.

    The facts of a subject that go to one client are a stream. `sequence` counts them from 1 without a gap, so that who
    misses one sees it, and nobody learns how much another client was told of the same tracker.

    A column `txid`, which only the reader's SQL knows, orders the facts for `selectors.read_after`: the transaction
    that wrote the fact, or a later one if that wrote to the same stream before it. The table's key begins with the
    subject, so that it can be sharded. The client has no constraint: a fact outlives what it tells of.
    """

    id = models.BigAutoField(primary_key=True)
    type = models.CharField(max_length=50)
    subject = models.CharField(max_length=100, help_text="Kind and id of what it is about: tracker/123.")
    client = models.ForeignKey(
        Client,
        on_delete=models.DO_NOTHING,
        null=True,
        related_name="+",
        db_index=False,
        db_constraint=False,
        help_text="Who is told; nobody but staff where it is empty.",
    )
    sequence = models.BigIntegerField(help_text="Its number among the subject's facts for this client.")
    occurred_at = models.DateTimeField(help_text="When it happened.")
    recorded_at = models.DateTimeField(help_text="When it got to be known.")
    data = models.JSONField()

    objects = FactQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.type} of {self.subject}"


class FactStream(models.Model):
    """How many facts of a subject a client was told. The row's lock is what makes their sequence free of races.

    `client_id` is 0 where nobody but staff is told. A column `txid` is the greatest one of the stream's facts.
    """

    pk = models.CompositePrimaryKey("subject", "client_id")
    subject = models.CharField(max_length=100)
    client_id = models.BigIntegerField()
    sequence = models.BigIntegerField()

    def __str__(self) -> str:
        return f"{self.subject}: {self.sequence}"


class DroppedMonth(models.Model):
    """A month of facts that is gone. A cursor before its last fact may have missed some, and is refused."""

    starts_at = models.DateTimeField(primary_key=True)
    last_txid = models.BigIntegerField()
    last_id = models.BigIntegerField()
    dropped_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.starts_at:%Y-%m}"


class ChangedRow(models.Model):
    """A row that can be followed, for each client that sees it or saw it once: when it last changed for that client.

    A column `txid`, which only the reader's SQL knows, is the transaction of that change. `client_id` is 0 where nobody
    but staff sees the row. Triggers on all tables that a row's answers are made of write this, by the function
    `outbox_mark_changed`, so that no writer can forget it. What is there of the row, the reader looks up afterwards: a
    row that the client does not see any more has left it.
    """

    class Kind(models.TextChoices):
        TRACKER = "tracker"
        ORDER = "order"
        LOCATION = "location"
        ALERT = "alert"

    pk = models.CompositePrimaryKey("kind", "row_id", "client_id")
    kind = models.CharField(max_length=10, choices=Kind.choices, db_collation="C")
    row_id = models.BigIntegerField()
    client_id = models.BigIntegerField()

    def __str__(self) -> str:
        return f"{self.kind}/{self.row_id} for {self.client_id or 'staff'}"
