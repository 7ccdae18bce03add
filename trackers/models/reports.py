"""What trackers reported, its rollups, and what could not be used."""

from typing import Self

from django.contrib.gis.db import models
from django.db.models import Case, Exists, OuterRef, Q, Value, When
from django.utils import timezone

from foundation.tenancy import ClientIds, TenantQuerySet
from locations.models import Location
from trackers.models.battery import Battery
from trackers.models.trackers import Assignment, GeoStatus, Tracker
from trackers.rules import verdicts

# Less accurate reports are no way points of the distance travelled.
WAYPOINT_ACCURACY_M = 300


class ReportQuerySet(TenantQuerySet["LocationReport"]):
    """A report belongs to the client whose assignment was in force when the tracker was seen.

    CASE keeps the planner from turning EXISTS into a join, which it believes to leave one row, and then sorting a
    tracker's whole series for a page of it.
    """

    def of_clients(self, client_ids: ClientIds) -> Self:
        in_force = Assignment.objects.filter(
            tracker=OuterRef("tracker"), period__contains=OuterRef("seen_at")
        )
        theirs = Exists(in_force.of_clients(client_ids))
        return self.filter(Case(When(theirs, then=Value(True)), default=Value(False)))


class LocationReport(models.Model):
    """A position of a tracker as a phone saw it, decrypted. The table is range-partitioned by month of `seen_at`
    (migration 0001).

    Its key is its identity: `fingerprint` is the first 16 bytes of the SHA-256 of the payload, or of source and
    external id. A composite key can be neither a foreign key's target nor in the admin: others store tracker,
    time and fingerprint, and ops see reports on the tracker's page.
    """

    class Source(models.TextChoices):
        FIND_MY = "FIND_MY", "Find My"
        REPLAY = "REPLAY", "Replay"

    class Verdict(models.TextChoices):
        """Why a report that was seen in a run makes no event; empty if it counts. Derived with the timeline."""

        SUPERSEDED = verdicts.Verdict.SUPERSEDED.value, "Superseded"
        INACCURATE = verdicts.Verdict.INACCURATE.value, "Inaccurate"
        OUTLIER = verdicts.Verdict.OUTLIER.value, "Outlier"
        HELD = verdicts.Verdict.HELD.value, "Held"

    pk = models.CompositePrimaryKey("tracker", "seen_at", "fingerprint")
    tracker = models.ForeignKey(Tracker, on_delete=models.PROTECT, related_name="reports", db_index=False)
    seen_at = models.DateTimeField()
    fingerprint = models.BinaryField(max_length=16)
    position = models.PointField(geography=True, spatial_index=False)
    accuracy_m = models.FloatField(null=True)
    confidence = models.PositiveSmallIntegerField(null=True)
    battery = models.CharField(max_length=10, choices=Battery.choices, blank=True)
    source = models.CharField(max_length=10, choices=Source.choices)
    received_at = models.DateTimeField()
    verdict = models.CharField(max_length=10, choices=Verdict.choices, blank=True, db_default="")

    objects = ReportQuerySet.as_manager()

    class Meta:
        indexes = [
            # What is shown as unconfirmed or impossible, raises alerts, or is decided by the next report: few rows.
            models.Index(
                fields=["tracker", "seen_at"],
                condition=Q(verdict__in=["OUTLIER", "HELD"]),
                name="report_not_plausible",
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(accuracy_m=None) | Q(accuracy_m__gt=0),
                name="report_accuracy_is_unknown_or_positive",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.seen_at:%Y-%m-%d %H:%M}"


class RejectedReport(models.Model):
    """What could not be decrypted, parsed or stored, kept so that nothing is lost and ops can retry."""

    class Reason(models.TextChoices):
        UNDECRYPTABLE = "UNDECRYPTABLE", "Can't be decrypted"
        MALFORMED = "MALFORMED", "Malformed"
        IMPLAUSIBLE = "IMPLAUSIBLE", "Implausible values"
        UNKNOWN_KEY = "UNKNOWN_KEY", "Key not asked for"
        NOT_STORED = "NOT_STORED", "Could not be stored"

    tracker = models.ForeignKey(
        Tracker, on_delete=models.PROTECT, null=True, blank=True, related_name="rejected_reports"
    )
    source = models.CharField(max_length=10, choices=LocationReport.Source.choices)
    hashed_key = models.CharField(max_length=44, blank=True, help_text="The key that the payload came under.")
    payload = models.BinaryField()
    fingerprint = models.BinaryField(max_length=16)
    reason = models.CharField(max_length=15, choices=Reason.choices)
    detail = models.TextField(blank=True)
    occurrences = models.PositiveIntegerField(
        default=1, help_text="The gateway repeats what it has: how often this came."
    )
    first_received_at = models.DateTimeField(default=timezone.now)
    last_received_at = models.DateTimeField(default=timezone.now, db_index=True)
    resolved_at = models.DateTimeField(null=True, blank=True, help_text="When a retry stored it.")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["source", "fingerprint"], name="rejected_report_once_per_payload"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_reason_display()} {self.last_received_at:%Y-%m-%d %H:%M}"


class PositionRollup(models.Model):
    """A tracker's bucket of time that has reports, refreshed in the transaction that writes reports or history.

    `distance_m` is the length, on the sphere, of the legs that end in the bucket. A leg goes from one way point to
    the next, and way points are the reports whose accuracy is unknown or at most `WAYPOINT_ACCURACY_M`, without those
    that are superseded, outliers or held; it counts if it is longer than both error circles together, so that a tracker
    at rest goes nowhere. Centroid and best position are empty where all reports are outliers or held. Status, location
    and minutes are those of the valid status periods within the bucket, one that is open lasting to its end; a bucket
    without one is CREATED.
    """

    tracker = models.ForeignKey(Tracker, on_delete=models.PROTECT, related_name="+", db_index=False)
    bucket_at = models.DateTimeField(help_text="The bucket's beginning, in UTC.")
    reports = models.PositiveIntegerField()
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    centroid = models.PointField(geography=True, spatial_index=False, null=True)
    best_position = models.PointField(geography=True, spatial_index=False, null=True)
    best_accuracy_m = models.FloatField(null=True)
    distance_m = models.FloatField(default=0)
    status = models.CharField(
        max_length=10, choices=GeoStatus.choices, default=GeoStatus.CREATED, help_text="At the bucket's end."
    )
    location = models.ForeignKey(
        Location,
        on_delete=models.DO_NOTHING,
        null=True,
        related_name="+",
        db_index=False,
        db_constraint=False,
        help_text="At the bucket's end; the history keeps it from being deleted.",
    )
    minutes_in_transit = models.FloatField(default=0)
    minutes_in_storage = models.FloatField(default=0)
    minutes_delivered = models.FloatField(default=0)

    class Meta:
        abstract = True

    @property
    def distance_km(self) -> float:
        return self.distance_m / 1000


class HourlyPosition(PositionRollup):
    pk = models.CompositePrimaryKey("tracker", "bucket_at")

    class Meta:
        pass


class DailyPosition(PositionRollup):
    pk = models.CompositePrimaryKey("tracker", "bucket_at")

    class Meta:
        pass
