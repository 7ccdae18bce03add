"""Which months of reports go, and what stays of them."""

from django.contrib.gis.db import models

from foundation.audit import audited
from trackers.models.trackers import Assignment


@audited(fields=["state"])
class RetiredMonth(models.Model):
    """A month of reports that is to be dropped, from its announcement on.

    It is dropped with its DWELL and TRANSIT events, at the earliest at `drop_after`; a held month keeps those after
    it too. `rolled_up_to` and `events_deleted_to` are tracker ids: how far a drop has come that may take many runs.
    """

    class State(models.TextChoices):
        ANNOUNCED = "ANNOUNCED", "Announced"
        HELD = "HELD", "Held"
        DROPPING = "DROPPING", "Being dropped"
        DROPPED = "DROPPED", "Dropped"

    starts_at = models.DateTimeField("month", unique=True)
    ends_at = models.DateTimeField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.ANNOUNCED)
    announced_at = models.DateTimeField()
    drop_after = models.DateTimeField(help_text="Not dropped before this.")
    reports_estimated = models.BigIntegerField(help_text="When it was announced.")
    size_bytes = models.BigIntegerField(help_text="When it was announced.")
    rolled_up_to = models.BigIntegerField(default=0)
    events_deleted_to = models.BigIntegerField(default=0)
    events_deleted = models.BigIntegerField(default=0)
    dropped_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(state="DROPPED", dropped_at__isnull=False)
                | models.Q(state__in=["ANNOUNCED", "HELD", "DROPPING"], dropped_at=None),
                name="retired_month_dropped_says_when",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.starts_at:%B %Y}"


class AcceptedBeforeCutoff(models.Model):
    """The last report of an assignment that counted before the retention cutoff: the first ones after it are held
    against it."""

    assignment = models.OneToOneField(
        Assignment, on_delete=models.CASCADE, primary_key=True, related_name="+"
    )
    seen_at = models.DateTimeField()
    position = models.PointField(geography=True, spatial_index=False)
    accuracy_m = models.FloatField(null=True)

    def __str__(self) -> str:
        return f"{self.assignment_id} {self.seen_at:%Y-%m-%d %H:%M}"
