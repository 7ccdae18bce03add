"""Recomputations of many trackers, worked off in the background."""

from typing import Self

from django.conf import settings
from django.contrib.gis.db import models
from django.db.models import Q
from django.utils import timezone

from clients.models import ProductionRun
from locations.models import Location
from trackers.models.trackers import Tracker


class RecomputationJobQuerySet(models.QuerySet["RecomputationJob"]):
    def unfinished(self) -> Self:
        """In the words of the partial index."""
        return self.filter(state__in=["QUEUED", "RUNNING"])


class RecomputationJob(models.Model):
    """The trackers that a changed fence or run, or an assignment to a run, affects: their history is to be recomputed.

    `targets` are those that remain and those that failed. A fence's job keeps how the fence was before
    (`old_shape`, `old_radius_m`), and the time in which old or new were active: only trackers seen near either of them
    then need it. A later change of the same object takes over what remains (`superseded_by`).
    """

    class State(models.TextChoices):
        QUEUED = "QUEUED", "Queued"
        RUNNING = "RUNNING", "Running"
        DONE = "DONE", "Done"
        CANCELLED = "CANCELLED", "Cancelled"
        FAILED = "FAILED", "Done, with failures"

    class Reason(models.TextChoices):
        FENCE = "FENCE", "Fence changed"
        RUN = "RUN", "Run changed"
        ASSIGNMENT = "ASSIGNMENT", "Trackers assigned"

    reason = models.CharField(max_length=10, choices=Reason.choices)
    location = models.ForeignKey(
        Location, on_delete=models.SET_NULL, null=True, related_name="recomputation_jobs"
    )
    run = models.ForeignKey(
        ProductionRun, on_delete=models.SET_NULL, null=True, related_name="recomputation_jobs"
    )
    change = models.TextField(help_text="What was changed, in words.")
    state = models.CharField(max_length=10, choices=State.choices, default=State.QUEUED)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True)
    superseded_by = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, related_name="+")
    claimed_until = models.DateTimeField(
        null=True, help_text="A worker has it until then; if it dies, another one takes it."
    )
    cursor = models.BigIntegerField(default=0, help_text="The last tracker that was checked.")
    total = models.PositiveIntegerField(default=0)
    done = models.PositiveIntegerField(default=0)
    recomputed = models.PositiveIntegerField(
        "recomputed", default=0, help_text="Of those done, the recomputed: those near the fence."
    )
    changed = models.PositiveIntegerField(default=0, help_text="Trackers whose history changed.")
    periods_added = models.PositiveIntegerField("status periods added", default=0)
    periods_retracted = models.PositiveIntegerField("status periods retracted", default=0)
    failed = models.PositiveIntegerField(default=0)
    old_shape = models.GeometryField(geography=True, null=True, spatial_index=False)
    old_radius_m = models.FloatField(null=True)
    since = models.DateTimeField(null=True)
    until = models.DateTimeField(null=True)

    objects = RecomputationJobQuerySet.as_manager()

    class Meta:
        indexes = [
            # What is to be worked off, oldest first.
            models.Index(
                fields=["id"],
                condition=Q(state__in=["QUEUED", "RUNNING"]),
                name="recomputation_job_unfinished",
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(reason="FENCE", run=None) | Q(reason__in=["RUN", "ASSIGNMENT"], location=None),
                name="recomputation_job_of_a_fence_or_a_run",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_reason_display()}: {self.change}"

    @property
    def is_unfinished(self) -> bool:
        return self.state in (self.State.QUEUED, self.State.RUNNING)


class RecomputationTarget(models.Model):
    """A tracker that a job has to recompute, `certain`ly or only if it was near; with the error, one that failed."""

    pk = models.CompositePrimaryKey("job", "tracker")
    job = models.ForeignKey(
        RecomputationJob, on_delete=models.CASCADE, related_name="targets", db_index=False
    )
    tracker = models.ForeignKey(Tracker, on_delete=models.CASCADE, related_name="+", db_index=False)
    certain = models.BooleanField(default=True)
    error = models.TextField(blank=True, db_default="")
