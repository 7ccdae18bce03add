"""What a tracker's reports mean: its status history and its events."""

from typing import Any, Self

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeBoundary, RangeOperators
from django.contrib.postgres.indexes import GistIndex
from django.db import models
from django.db.models import F, Func, Q

from foundation.tenancy import Row, TenantQuerySet
from locations.models import Location
from trackers.models.trackers import Assignment, GeoStatus, Tracker
from trackers.rules import timeline

VALID = Q(retracted_at=None)
RETRACTED = Q(retracted_at__isnull=False)


class AssignedQuerySet(TenantQuerySet[Row]):
    """Rows that belong to the client of their assignment."""

    client_path = "assignment__run__brand__client"

    def valid(self) -> Self:
        """Without the rows that a later insight has retracted."""
        return self.filter(VALID)

    def retracted(self) -> Self:
        """Only those."""
        return self.filter(RETRACTED)

    def with_retracted(self) -> Self:
        """All rows, in the words of the two partial indexes, so that the planner can use both."""
        return self.filter(VALID | RETRACTED)


class StatusChangeQuerySet(AssignedQuerySet["StatusChange"]):
    pass


class GeofenceEventQuerySet(AssignedQuerySet["GeofenceEvent"]):
    pass


def time_range(*bounds: Any) -> Func:
    """`TSTZRANGE` of a beginning, an end and, as `RangeBoundary`, whether they belong to it."""
    return Func(*bounds, function="TSTZRANGE", output_field=DateTimeRangeField())


class Retraction(models.TextChoices):
    """What showed that a row was wrong, in words that follow "retracted after"."""

    REPORT = "REPORT", "a later report"
    FENCE = "FENCE", "a change of the fence"
    RUN = "RUN", "a change of the run"
    ASSIGNMENT = "ASSIGNMENT", "a change of the assignment"
    REQUEST = "REQUEST", "a recomputation by hand"
    CHECK = "CHECK", "a check against the reports"


class Retractable(models.Model):
    """A row that was believed from `recorded_at` until `retracted_at`, and then retracted for a reason.

    After a report, (tracker, retracted_by_seen_at, retracted_by_fingerprint) is that report; after a change of a fence
    or a run, `retracted_in` is the recomputation that it asked for.
    """

    recorded_at = models.DateTimeField()
    retracted_at = models.DateTimeField(null=True)
    retracted_after = models.CharField(max_length=10, choices=Retraction.choices, blank=True, db_default="")
    retracted_by_seen_at = models.DateTimeField(null=True)
    retracted_by_fingerprint = models.BinaryField(max_length=16, null=True)
    # Without a constraint, which would be checked for every row that is added. Nobody deletes jobs.
    retracted_in = models.ForeignKey(
        "trackers.RecomputationJob",
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        db_index=False,
        db_constraint=False,
    )

    class Meta:
        abstract = True


class StatusChange(Retractable):
    """A status period: the tracker had `status` (at `location`) from `started_at` until `ended_at`.

    The report (tracker, started_at, fingerprint) began it. Rows that turn out to be wrong are retracted, never
    deleted. A composite foreign key (assignment, tracker) ensures that the assignment is the tracker's own.
    """

    tracker = models.ForeignKey(
        Tracker, on_delete=models.PROTECT, related_name="status_changes", db_index=False, db_constraint=False
    )
    assignment = models.ForeignKey(
        Assignment, on_delete=models.PROTECT, related_name="status_changes", db_constraint=False
    )
    status = models.CharField(max_length=10, choices=GeoStatus.choices)
    location = models.ForeignKey(Location, on_delete=models.PROTECT, null=True, related_name="status_changes")
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    fingerprint = models.BinaryField(max_length=16)

    objects = StatusChangeQuerySet.as_manager()

    class Meta:
        indexes = [
            # A tracker's history in time order, and the rows that a recomputation compares with.
            models.Index(fields=["tracker", "started_at"], condition=VALID, name="status_change_of_tracker"),
            # What was believed of a tracker before: few rows.
            models.Index(
                fields=["tracker", "started_at"], condition=RETRACTED, name="status_change_retracted"
            ),
            # Whose shipment arrived.
            models.Index(
                fields=["assignment"], condition=VALID & Q(status="DELIVERED"), name="status_change_delivered"
            ),
            # Who stayed at a location within a range of time, also those that came before it.
            GistIndex(
                F("location"),
                time_range("started_at", "ended_at", RangeBoundary()),
                condition=VALID & Q(location__isnull=False),
                name="status_change_at_location",
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["tracker"],
                condition=VALID & Q(ended_at=None),
                name="status_change_one_open_per_tracker",
            ),
            ExclusionConstraint(
                name="status_change_no_overlap_per_tracker",
                expressions=[
                    ("tracker", RangeOperators.EQUAL),
                    (time_range("started_at", "ended_at", RangeBoundary()), RangeOperators.OVERLAPS),
                ],
                condition=VALID,
            ),
            models.CheckConstraint(
                condition=Q(ended_at=None) | Q(ended_at__gte=F("started_at")),
                name="status_change_ends_after_start",
            ),
            models.CheckConstraint(
                condition=Q(status="IN_TRANSIT", location=None)
                | Q(status__in=["IN_STORAGE", "DELIVERED"], location__isnull=False),
                name="status_change_location_goes_with_status",
            ),
            # What GeofenceEvent's composite foreign key refers to.
            models.UniqueConstraint(fields=["id", "tracker", "started_at"], name="status_change_identity"),
        ]

    def __str__(self) -> str:
        return f"{self.get_status_display()} since {self.started_at:%Y-%m-%d %H:%M}"


class GeofenceEvent(Retractable):
    """What a usable report (tracker, occurred_at, fingerprint) meant.

    An ENTRY or EXIT carries the status change that it caused; a composite foreign key ensures that this is a row of
    the same tracker, begun at the same moment. So an event without its history can't be stored. Another one ensures
    that the assignment is the tracker's own.
    """

    class Type(models.TextChoices):
        ENTRY = timeline.EventType.ENTRY.value, "Entry"
        EXIT = timeline.EventType.EXIT.value, "Exit"
        DWELL = timeline.EventType.DWELL.value, "Dwell"
        TRANSIT = timeline.EventType.TRANSIT.value, "Transit"

    tracker = models.ForeignKey(
        Tracker, on_delete=models.PROTECT, related_name="events", db_index=False, db_constraint=False
    )
    assignment = models.ForeignKey(
        Assignment, on_delete=models.PROTECT, related_name="events", db_index=False, db_constraint=False
    )
    type = models.CharField(max_length=7, choices=Type.choices)
    location = models.ForeignKey(
        Location, on_delete=models.PROTECT, null=True, related_name="events", db_index=False
    )
    occurred_at = models.DateTimeField()
    fingerprint = models.BinaryField(max_length=16)
    status_change = models.ForeignKey(
        StatusChange,
        on_delete=models.PROTECT,
        null=True,
        related_name="events",
        db_index=False,
        db_constraint=False,
    )

    objects = GeofenceEventQuerySet.as_manager()

    class Meta:
        indexes = [
            # Arrivals and departures at a location.
            models.Index(
                fields=["location", "occurred_at"],
                condition=VALID & Q(type__in=["ENTRY", "EXIT"]),
                name="event_crossing_at_location",
            ),
            # What was believed of a tracker before: few rows.
            models.Index(fields=["tracker", "occurred_at"], condition=RETRACTED, name="event_retracted"),
            # The events of a status period.
            models.Index(
                fields=["status_change"],
                condition=Q(status_change__isnull=False),
                name="event_of_status_change",
            ),
        ]
        constraints = [
            # Also the index for a tracker's events in time order and for the rows that a recomputation compares with.
            models.UniqueConstraint(
                fields=["tracker", "occurred_at", "fingerprint", "type"],
                condition=VALID,
                name="event_one_of_a_type_per_report",
            ),
            models.CheckConstraint(
                condition=Q(type__in=["ENTRY", "EXIT"], status_change__isnull=False)
                | Q(type__in=["DWELL", "TRANSIT"], status_change=None),
                name="event_crossing_has_its_status_change",
            ),
            models.CheckConstraint(
                condition=Q(type="TRANSIT", location=None)
                | Q(type__in=["ENTRY", "EXIT", "DWELL"], location__isnull=False),
                name="event_location_goes_with_type",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_type_display()} {self.occurred_at:%Y-%m-%d %H:%M}"
