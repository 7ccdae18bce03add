"""How fetching goes: for each tracker, for each Apple account, and for each service that has to stay alive."""

from typing import Self

from django.db import models
from django.db.models import F, Q
from django.db.models.lookups import GreaterThanOrEqual

from ingestion.backoff import MAX_FACTOR
from trackers.models import Tracker

# This many failed fetches in a row mark a tracker as failing.
FAILING_AFTER = 5
QUEUED = Q(next_due_at__isnull=False)


class FetchStateQuerySet(models.QuerySet["FetchState"]):
    def queued(self) -> Self:
        return self.filter(QUEUED)

    def failing(self) -> Self:
        return self.filter(is_failing=True)


class FetchState(models.Model):
    """When a tracker is fetched next, and how its fetches went. The Redis queue is an index of this table.

    `next_due_at` is empty while the tracker is not to be fetched. An empty fetch is one that worked and
    brought no new report; it is no failure.
    """

    tracker = models.OneToOneField(
        Tracker, on_delete=models.CASCADE, primary_key=True, related_name="fetch_state"
    )
    next_due_at = models.DateTimeField(null=True, blank=True)
    backoff_factor = models.PositiveSmallIntegerField(default=1)
    consecutive_failures = models.PositiveIntegerField(default=0)
    consecutive_empty_fetches = models.PositiveIntegerField("empty fetches in a row", default=0)
    last_attempt_at = models.DateTimeField(null=True, blank=True)
    last_success_at = models.DateTimeField(null=True, blank=True)
    last_report_at = models.DateTimeField(
        null=True, blank=True, help_text="When a fetch last brought a report that was new."
    )
    last_error = models.CharField(max_length=300, blank=True)
    is_failing = models.GeneratedField(
        expression=GreaterThanOrEqual(F("consecutive_failures"), FAILING_AFTER),
        output_field=models.BooleanField(),
        db_persist=True,
    )

    objects = FetchStateQuerySet.as_manager()

    class Meta:
        indexes = [
            # The oldest overdue fetch.
            models.Index(fields=["next_due_at"], condition=QUEUED, name="fetch_state_due"),
            # The list of trackers that keep failing.
            models.Index(fields=["tracker"], condition=Q(is_failing=True), name="fetch_state_failing"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(backoff_factor__gte=1, backoff_factor__lte=MAX_FACTOR),
                name="fetch_state_backoff_factor_1_to_16",
            ),
            models.CheckConstraint(
                condition=Q(consecutive_failures=0) | ~Q(last_error=""),
                name="fetch_state_failure_says_why",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.tracker_id}: due {self.next_due_at}" if self.next_due_at else f"{self.tracker_id}"


class FetchTally(models.Model):
    """A tracker's fetches of one day (UTC): attempts are failures, empty ones and those that brought new reports."""

    pk = models.CompositePrimaryKey("tracker", "day")
    tracker = models.ForeignKey(
        Tracker, on_delete=models.CASCADE, related_name="fetch_tallies", db_index=False
    )
    day = models.DateField()
    attempts = models.PositiveIntegerField()
    failures = models.PositiveIntegerField()
    empty_fetches = models.PositiveIntegerField("empty fetches")
    reports = models.PositiveIntegerField(help_text="New reports.")

    class Meta:
        verbose_name_plural = "fetch tallies"
        constraints = [
            models.CheckConstraint(
                condition=Q(attempts__gte=F("failures") + F("empty_fetches")),
                name="fetch_tally_attempts_cover_outcomes",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.tracker_id} on {self.day}"


class AccountState(models.Model):
    """Whether an Apple account may be used. A refusal is a 401, 429 or 541; `cooldown_until` is its circuit breaker."""

    name = models.CharField(max_length=100, primary_key=True)
    consecutive_refusals = models.PositiveIntegerField(default=0)
    cooldown_until = models.DateTimeField(null=True, blank=True)
    last_request_at = models.DateTimeField(null=True, blank=True)
    last_success_at = models.DateTimeField(null=True, blank=True)
    last_error = models.CharField(max_length=300, blank=True)

    def __str__(self) -> str:
        return self.name


class AccountTally(models.Model):
    """An account's requests of one day (UTC); those not counted as failed had an answer that could be used."""

    account = models.CharField(max_length=100)
    day = models.DateField()
    requests = models.PositiveIntegerField(default=0)
    unauthorized = models.PositiveIntegerField(default=0)
    throttled = models.PositiveIntegerField(default=0)
    other_failures = models.PositiveIntegerField(default=0)

    class Meta:
        verbose_name_plural = "account tallies"
        constraints = [
            models.UniqueConstraint(fields=["account", "day"], name="account_tally_one_a_day"),
        ]

    def __str__(self) -> str:
        return f"{self.account} on {self.day}"


class Heartbeat(models.Model):
    """The last heartbeat of a service; one that does not run is noticed by its age."""

    class Name(models.TextChoices):
        BEAT = "beat", "Schedule"
        FETCH = "fetch", "Fetching"

    name = models.CharField(max_length=20, primary_key=True, choices=Name.choices)
    beat_at = models.DateTimeField()
    detail = models.JSONField(default=dict, blank=True)

    def __str__(self) -> str:
        return f"{self.name} {self.beat_at:%Y-%m-%d %H:%M:%S}"
