import django.db.models.deletion
from django.db import migrations, models

# Django can declare neither partitions nor transaction ids. Months are made ahead by outbox.partitioning.
FACTS = """
CREATE SEQUENCE outbox_fact_id_seq;
CREATE TABLE outbox_fact (
    id bigint NOT NULL DEFAULT nextval('outbox_fact_id_seq'),
    type varchar(50) NOT NULL,
    subject varchar(100) NOT NULL CONSTRAINT fact_subject_is_kind_and_id CHECK (subject ~ '^[a-z_]+/.'),
    client_id bigint,
    sequence bigint NOT NULL CONSTRAINT fact_sequence_counts_from_1 CHECK (sequence >= 1),
    txid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    occurred_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL,
    data jsonb NOT NULL,
    PRIMARY KEY (subject, id, recorded_at)
) PARTITION BY RANGE (recorded_at);
ALTER SEQUENCE outbox_fact_id_seq OWNED BY outbox_fact.id;
CREATE TABLE outbox_fact_default PARTITION OF outbox_fact DEFAULT;
-- The reader of all facts, and the readers of a client's.
CREATE INDEX outbox_fact_in_order ON outbox_fact (txid, id);
CREATE INDEX outbox_fact_of_client_in_order ON outbox_fact (client_id, txid, id);
-- The list in the admin, latest first, and a fact's page.
CREATE INDEX outbox_fact_by_id ON outbox_fact (id);
"""
STREAMS = """
ALTER TABLE outbox_factstream ADD COLUMN txid xid8 NOT NULL, ADD CONSTRAINT stream_client_not_negative CHECK (client_id >= 0);
-- Each fact updates its stream's row, which then finds room on its page.
ALTER TABLE outbox_factstream SET (fillfactor = 70);
"""


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("clients", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="DroppedMonth",
            fields=[
                ("starts_at", models.DateTimeField(primary_key=True, serialize=False)),
                ("last_txid", models.BigIntegerField()),
                ("last_id", models.BigIntegerField()),
                ("dropped_at", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="FactStream",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "subject", "client_id", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("subject", models.CharField(max_length=100)),
                ("client_id", models.BigIntegerField()),
                ("sequence", models.BigIntegerField()),
            ],
        ),
        migrations.RunSQL(STREAMS, reverse_sql=migrations.RunSQL.noop),
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunSQL(FACTS, reverse_sql="DROP TABLE outbox_fact")],
            state_operations=[
                migrations.CreateModel(
                    name="Fact",
                    fields=[
                        ("id", models.BigAutoField(primary_key=True, serialize=False)),
                        ("type", models.CharField(max_length=50)),
                        (
                            "subject",
                            models.CharField(
                                help_text="Kind and id of what it is about: tracker/123.", max_length=100
                            ),
                        ),
                        (
                            "sequence",
                            models.BigIntegerField(
                                help_text="Its number among the subject's facts for this client."
                            ),
                        ),
                        ("occurred_at", models.DateTimeField(help_text="When it happened.")),
                        ("recorded_at", models.DateTimeField(help_text="When it got to be known.")),
                        ("data", models.JSONField()),
                        (
                            "client",
                            models.ForeignKey(
                                db_constraint=False,
                                db_index=False,
                                help_text="Who is told; nobody but staff where it is empty.",
                                null=True,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                related_name="+",
                                to="clients.client",
                            ),
                        ),
                    ],
                ),
            ],
        ),
    ]
