"""How far back history can be recomputed, and what came out when it was."""

from django.db import models


class TimelineCheck(models.Model):
    """A check of timelines: how many trackers' stored history was compared with their reports, and how many differed.

    Differences are repaired at once; any number but zero is a fault in Glimpse to be looked into. `failures` are the
    trackers that could not be recomputed, each with the error.
    """

    checked_at = models.DateTimeField(db_index=True)
    trackers = models.PositiveIntegerField()
    drifted = models.PositiveIntegerField()
    failed = models.PositiveIntegerField(default=0)
    failures = models.JSONField(default=list, blank=True)
    took_s = models.FloatField("took (s)", default=0)

    def __str__(self) -> str:
        return f"{self.drifted} of {self.trackers} drifted, {self.checked_at:%Y-%m-%d %H:%M}"


class RetentionCutoff(models.Model):
    """The moment from which on all reports are kept; one row, none as long as no report was ever dropped.

    What happened before it can't be recomputed: its history stands as it is, and recomputations begin in the state that
    is stored there (`trackers.services.history.cutoff`).
    """

    reports_kept_from = models.DateTimeField()
    moved_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(id=1), name="retention_cutoff_is_one_row"),
        ]

    def __str__(self) -> str:
        return f"Reports since {self.reports_kept_from:%Y-%m-%d %H:%M} are kept"
