import django.db.models.deletion
import django.db.models.expressions
import django.db.models.lookups
from django.db import migrations, models


class Migration(migrations.Migration):
    """Tables, their constraints and indexes."""

    initial = True

    dependencies = [
        ("trackers", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="AccountState",
            fields=[
                ("name", models.CharField(max_length=100, primary_key=True, serialize=False)),
                ("consecutive_refusals", models.PositiveIntegerField(default=0)),
                ("cooldown_until", models.DateTimeField(blank=True, null=True)),
                ("last_request_at", models.DateTimeField(blank=True, null=True)),
                ("last_success_at", models.DateTimeField(blank=True, null=True)),
                ("last_error", models.CharField(blank=True, max_length=300)),
            ],
        ),
        migrations.CreateModel(
            name="Heartbeat",
            fields=[
                (
                    "name",
                    models.CharField(
                        choices=[("beat", "Schedule"), ("fetch", "Fetching")],
                        max_length=20,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("beat_at", models.DateTimeField()),
                ("detail", models.JSONField(blank=True, default=dict)),
            ],
        ),
        migrations.CreateModel(
            name="AccountTally",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("account", models.CharField(max_length=100)),
                ("day", models.DateField()),
                ("requests", models.PositiveIntegerField(default=0)),
                ("unauthorized", models.PositiveIntegerField(default=0)),
                ("throttled", models.PositiveIntegerField(default=0)),
                ("other_failures", models.PositiveIntegerField(default=0)),
            ],
            options={
                "verbose_name_plural": "account tallies",
                "constraints": [
                    models.UniqueConstraint(fields=("account", "day"), name="account_tally_one_a_day")
                ],
            },
        ),
        migrations.CreateModel(
            name="FetchState",
            fields=[
                (
                    "tracker",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="fetch_state",
                        serialize=False,
                        to="trackers.tracker",
                    ),
                ),
                ("next_due_at", models.DateTimeField(blank=True, null=True)),
                ("backoff_factor", models.PositiveSmallIntegerField(default=1)),
                ("consecutive_failures", models.PositiveIntegerField(default=0)),
                (
                    "consecutive_empty_fetches",
                    models.PositiveIntegerField(default=0, verbose_name="empty fetches in a row"),
                ),
                ("last_attempt_at", models.DateTimeField(blank=True, null=True)),
                ("last_success_at", models.DateTimeField(blank=True, null=True)),
                (
                    "last_report_at",
                    models.DateTimeField(
                        blank=True, help_text="When a fetch last brought a report that was new.", null=True
                    ),
                ),
                ("last_error", models.CharField(blank=True, max_length=300)),
                (
                    "is_failing",
                    models.GeneratedField(
                        db_persist=True,
                        expression=django.db.models.lookups.GreaterThanOrEqual(
                            models.F("consecutive_failures"), 5
                        ),
                        output_field=models.BooleanField(),
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("next_due_at__isnull", False)),
                        fields=["next_due_at"],
                        name="fetch_state_due",
                    ),
                    models.Index(
                        condition=models.Q(("is_failing", True)),
                        fields=["tracker"],
                        name="fetch_state_failing",
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("backoff_factor__gte", 1), ("backoff_factor__lte", 16)),
                        name="fetch_state_backoff_factor_1_to_16",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("consecutive_failures", 0),
                            models.Q(("last_error", ""), _negated=True),
                            _connector="OR",
                        ),
                        name="fetch_state_failure_says_why",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="FetchTally",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "tracker", "day", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("day", models.DateField()),
                ("attempts", models.PositiveIntegerField()),
                ("failures", models.PositiveIntegerField()),
                ("empty_fetches", models.PositiveIntegerField(verbose_name="empty fetches")),
                ("reports", models.PositiveIntegerField(help_text="New reports.")),
                (
                    "tracker",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="fetch_tallies",
                        to="trackers.tracker",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "fetch tallies",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "attempts__gte",
                                django.db.models.expressions.CombinedExpression(
                                    models.F("failures"), "+", models.F("empty_fetches")
                                ),
                            )
                        ),
                        name="fetch_tally_attempts_cover_outcomes",
                    )
                ],
            },
        ),
    ]
