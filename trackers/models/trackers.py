"""The tracker and its assignments."""

from typing import Self, TypeAlias

import pgtrigger
from django.contrib.gis.db import models
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeOperators
from django.db.models import Q
from django.utils import timezone

from clients.models import ProductionRun
from foundation.audit import audited
from foundation.tenancy import TenantQuerySet
from locations.models import Location, Place
from trackers.lifecycle import TRANSITIONS, LifecycleState
from trackers.mac import NO_DEVICE
from trackers.models.battery import Battery
from trackers.rules import timeline


class GeoStatus(models.TextChoices):
    """`timeline.Status` with labels."""

    CREATED = timeline.Status.CREATED.value, "Created"
    IN_TRANSIT = timeline.Status.IN_TRANSIT.value, "In transit"
    IN_STORAGE = timeline.Status.IN_STORAGE.value, "In storage"
    DELIVERED = timeline.Status.DELIVERED.value, "Delivered"


class TrackerQuerySet(TenantQuerySet["Tracker"]):
    """A client sees a tracker until it is assigned to somebody else.

    What is on the row (status, place, last position) is told by the latest assignment, so that it shows nothing
    of an earlier client's. The earlier client still finds its own reports, events and history.
    """

    client_path = "latest_assignment__run__brand__client"


@audited(fields=["mac", "serial", "state"])
class Tracker(models.Model):
    """A device, known by its MAC.

    `status`, `location`, `status_since` and the `last_…` columns say how the latest assignment stands. Only
    `trackers.services` writes them, in the transaction that writes the history. A trigger ensures that `state` changes
    only as `trackers.lifecycle` says.
    """

    State: TypeAlias = LifecycleState

    mac = models.CharField("MAC", max_length=17, unique=True)
    serial = models.CharField(max_length=64, unique=True, null=True, blank=True)
    firmware = models.CharField(max_length=32, blank=True)
    hardware_revision = models.CharField(max_length=32, blank=True)
    manufactured_at = models.DateTimeField(null=True, blank=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.IN_STOCK)
    latest_assignment = models.ForeignKey(
        "Assignment", on_delete=models.SET_NULL, null=True, blank=True, editable=False, related_name="+"
    )
    status = models.CharField(
        max_length=10, choices=GeoStatus.choices, default=GeoStatus.CREATED, editable=False, db_index=True
    )
    status_since = models.DateTimeField(null=True, blank=True, editable=False)
    location = models.ForeignKey(
        Location, on_delete=models.PROTECT, null=True, blank=True, editable=False, related_name="trackers"
    )
    last_seen_at = models.DateTimeField(null=True, blank=True, editable=False, db_index=True)
    last_received_at = models.DateTimeField(null=True, blank=True, editable=False)
    last_position = models.PointField(geography=True, null=True, blank=True, editable=False)
    last_accuracy_m = models.FloatField(null=True, blank=True, editable=False)
    near = models.ForeignKey(
        Place,
        on_delete=models.SET_NULL,
        null=True,
        editable=False,
        db_index=False,
        related_name="+",
        help_text="The nearest place in the country of the last position, if one is near at all.",
    )
    near_m = models.FloatField(null=True, editable=False, help_text="How far away that is.")
    near_is_due = models.BooleanField(
        default=False,
        db_default=False,
        editable=False,
        help_text="It moved, and the nearest place is to be found.",
    )
    battery = models.CharField(max_length=10, choices=Battery.choices, blank=True, editable=False)
    verified_at = models.DateTimeField(
        default=timezone.now,
        editable=False,
        help_text="When the stored history was last compared with the reports.",
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(auto_now=True)

    objects = TrackerQuerySet.as_manager()

    class Meta:
        indexes = [
            # First in, first out: allocation takes the oldest in stock.
            models.Index(fields=["id"], condition=Q(state="IN_STOCK"), name="tracker_in_stock"),
            # The API's `updated_after` and live views.
            models.Index(fields=["updated_at"], name="tracker_updated_at"),
            # The start page counts by state, status and when last seen.
            models.Index(fields=["state", "status", "last_seen_at"], name="tracker_overview"),
            # `nearby` takes those that moved.
            models.Index(fields=["id"], condition=Q(near_is_due=True), name="tracker_near_is_due"),
            # Reconciliation takes those verified longest ago.
            models.Index(fields=["verified_at", "id"], name="tracker_verified_at"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(mac__regex=r"^[0-9A-F]{2}(:[0-9A-F]{2}){5}$"), name="tracker_mac_normalised"
            ),
            models.CheckConstraint(
                condition=~Q(mac__in=sorted(NO_DEVICE)), name="tracker_mac_is_that_of_a_device"
            ),
            models.CheckConstraint(
                condition=Q(status__in=["CREATED", "IN_TRANSIT"], location=None)
                | Q(status__in=["IN_STORAGE", "DELIVERED"], location__isnull=False),
                name="tracker_location_goes_with_status",
            ),
        ]
        triggers = [
            # As pgtrigger.FSM, but for the condition: a function that is called for each row of a large order, or of
            # the many updates that reports make, takes longer than the update itself.
            pgtrigger.Trigger(
                name="tracker_state_goes_its_way",
                when=pgtrigger.Before,
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(
                    "OLD.state IS DISTINCT FROM NEW.state AND CONCAT(OLD.state, ':', NEW.state) <> ALL"
                    f"('{{{','.join(':'.join(pair) for pair in TRANSITIONS)}}}'::text[])"
                ),
                func='RAISE EXCEPTION \'pgtrigger: Invalid transition of field "state" from "%" to "%" on table %\','
                " OLD.state, NEW.state, TG_TABLE_NAME;",
            ),
        ]

    def __str__(self) -> str:
        return self.mac

    @property
    def near_km(self) -> float | None:
        return None if self.near_m is None else self.near_m / 1000


class AssignmentQuerySet(TenantQuerySet["Assignment"]):
    client_path = "run__brand__client"

    def in_force_at(self, moment: object) -> Self:
        return self.filter(period__contains=moment)


@audited(exclude=["activated_at"])
class Assignment(models.Model):
    """A tracker's time in a production run: which fences apply to its reports, and who may see them."""

    tracker = models.ForeignKey(Tracker, on_delete=models.PROTECT, related_name="assignments")
    run = models.ForeignKey(ProductionRun, on_delete=models.PROTECT, related_name="assignments")
    period = DateTimeRangeField(help_text="From, inclusive, until, exclusive; no end while it lasts.")
    activated_at = models.DateTimeField(
        null=True,
        editable=False,
        help_text="When the tracker was shipped and became active in it. Empty: it was active from the beginning.",
    )

    objects = AssignmentQuerySet.as_manager()

    class Meta:
        constraints = [
            ExclusionConstraint(
                name="assignment_no_overlap_per_tracker",
                expressions=[("tracker", RangeOperators.EQUAL), ("period", RangeOperators.OVERLAPS)],
            ),
            models.CheckConstraint(
                condition=Q(period__isempty=False, period__startswith__isnull=False, period__lower_inc=True)
                & Q(period__upper_inc=False),
                name="assignment_period_begins_and_is_half_open",
            ),
            # What the composite foreign keys of history and events refer to.
            models.UniqueConstraint(fields=["id", "tracker"], name="assignment_identity"),
        ]

    def __str__(self) -> str:
        return f"{self.tracker} in {self.run}"
