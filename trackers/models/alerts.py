"""Alerts: what is not as it should be, and when each tracker is to be evaluated for it."""

from typing import Self

from django.contrib.gis.db import models
from django.contrib.postgres.fields import ArrayField
from django.db.models import F, Q

from clients.models import ProductionRun
from foundation import countries
from foundation.tenancy import TenantQuerySet
from locations.models import Location
from trackers.models.trackers import Assignment, Tracker
from trackers.rules import episodes

VALID = Q(retracted_at=None)
OPEN = VALID & Q(ended_at=None)


class AlertQuerySet(TenantQuerySet["Alert"]):
    """A tracker's alert belongs to the client of its assignment; a site outage is for staff alone."""

    client_path = "assignment__run__brand__client"

    def valid(self) -> Self:
        """Without those that a later insight has retracted."""
        return self.filter(VALID)

    def retracted(self) -> Self:
        """Only those."""
        return self.filter(retracted_at__isnull=False)

    def with_retracted(self) -> Self:
        return self

    def open(self) -> Self:
        return self.filter(OPEN)

    def to_act_on(self) -> Self:
        """Open ones, without those that a site outage stands for."""
        return self.filter(OPEN, part_of=None)


class Alert(models.Model):
    """Something is wrong with a tracker, or with a whole site, from `began_at` until `ended_at`.

    All three times are those of the events, not of the recording: `began_at` is when it began, `latest_at` the last
    moment that showed it. What a tracker's alerts are follows from its reports and history, and a late report may
    move, end or retract them. `measure` is a number whose meaning depends on the kind: `anomalies` tells.
    """

    class Kind(models.TextChoices):
        IMPOSSIBLE_SPEED = episodes.Kind.IMPOSSIBLE_SPEED.value, "Impossible speed"
        SILENT = episodes.Kind.SILENT.value, "Silent"
        NEVER_REPORTED = episodes.Kind.NEVER_REPORTED.value, "Never reported"
        OFF_ROUTE = episodes.Kind.OFF_ROUTE.value, "Off the route"
        LEFT_COUNTRY = episodes.Kind.LEFT_COUNTRY.value, "Left the country"
        LEFT_DELIVERY = episodes.Kind.LEFT_DELIVERY.value, "Left its delivery location"
        LONG_STAY = episodes.Kind.LONG_STAY.value, "Long in one status"
        BACK_TO_STORAGE = episodes.Kind.BACK_TO_STORAGE.value, "Back to storage"
        BATTERY_LOW = episodes.Kind.BATTERY_LOW.value, "Battery low"
        SILENT_PLACE = "SILENT_PLACE", "Site outage"

    kind = models.CharField(max_length=16, choices=Kind.choices)
    tracker = models.ForeignKey(
        Tracker, on_delete=models.PROTECT, null=True, related_name="alerts", db_index=False
    )
    assignment = models.ForeignKey(Assignment, on_delete=models.PROTECT, null=True, related_name="alerts")
    location = models.ForeignKey(Location, on_delete=models.PROTECT, null=True, related_name="alerts")
    began_at = models.DateTimeField()
    latest_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    measure = models.FloatField(null=True)
    country = models.CharField(
        max_length=2, blank=True, db_default="", help_text="Where it was, of one that left the country."
    )
    part_of = models.ForeignKey(
        "self",
        on_delete=models.SET_NULL,
        null=True,
        related_name="parts",
        db_index=False,
        help_text="The site outage that stands for this alert.",
    )
    recorded_at = models.DateTimeField()
    retracted_at = models.DateTimeField(null=True)

    objects = AlertQuerySet.as_manager()

    class Meta:
        indexes = [
            # A tracker's alerts in time order, and those that an evaluation compares with.
            models.Index(fields=["tracker", "began_at"], condition=VALID, name="alert_of_tracker"),
            # Open alerts by kind: the start page's numbers, the list, the silent ones at a site.
            models.Index(fields=["kind", "-began_at"], condition=OPEN, name="alert_open_by_kind"),
            # The trackers' alerts that a site outage stands for.
            models.Index(fields=["part_of"], condition=Q(part_of__isnull=False), name="alert_part_of"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["tracker", "kind"],
                condition=OPEN & Q(tracker__isnull=False),
                name="alert_one_open_per_tracker_and_kind",
            ),
            models.UniqueConstraint(
                fields=["location", "kind"],
                condition=OPEN & Q(tracker=None),
                name="alert_one_open_per_location_and_kind",
            ),
            models.CheckConstraint(
                condition=Q(kind="SILENT_PLACE", tracker=None, assignment=None, location__isnull=False)
                | (~Q(kind="SILENT_PLACE") & Q(tracker__isnull=False, assignment__isnull=False)),
                name="alert_is_of_a_tracker_or_of_a_place",
            ),
            models.CheckConstraint(
                condition=Q(latest_at__gte=F("began_at"))
                & (Q(ended_at=None) | Q(ended_at__gte=F("latest_at"))),
                name="alert_begins_lasts_and_ends_in_order",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.tracker or self.location}"

    @property
    def where(self) -> str:
        """The location or the country that it is about; empty where it is about none."""
        return countries.name(self.country) if self.country else str(self.location or "")


class AlertWatch(models.Model):
    """When a tracker is to be evaluated for alerts.

    Whoever records reports or changes history writes `changed_since`, the earliest event time that is new, in its own
    transaction, and makes the row due. An evaluation takes it away, and sets `due_at` to the next moment at which time
    alone may change something. So nothing is missed, whichever transaction commits first, and nobody scans the fleet.
    """

    tracker = models.OneToOneField(
        Tracker, on_delete=models.CASCADE, primary_key=True, related_name="alert_watch"
    )
    changed_since = models.DateTimeField(null=True)
    due_at = models.DateTimeField()
    # Why it could not be evaluated the last time; empty if it could.
    problem = models.CharField(max_length=500, blank=True, db_default="")

    class Meta:
        indexes = [
            # The next trackers to be evaluated: those of which something is new, then those whose time has come.
            models.Index(
                fields=["due_at"], condition=Q(changed_since__isnull=False), name="alert_watch_news"
            ),
            models.Index(fields=["due_at"], name="alert_watch_due"),
            # What is counted for the start page and for monitors: few rows.
            models.Index(fields=["tracker"], condition=~Q(problem=""), name="alert_watch_with_problem"),
        ]

    def __str__(self) -> str:
        return f"{self.tracker}, due {self.due_at:%Y-%m-%d %H:%M}"


class RunCountries(models.Model):
    """The countries in which a run's trackers may be: those that are named on the run, else those of its locations.

    Kept by `services.borders`, which notices what changed by `basis`: the names, the locations' centres and the edition
    of the gazetteer, hashed. Trackers of a run without a row, or without countries, are not evaluated for it.
    """

    run = models.OneToOneField(ProductionRun, on_delete=models.CASCADE, primary_key=True, related_name="+")
    countries = ArrayField(models.CharField(max_length=2))
    basis = models.CharField(max_length=32)

    def __str__(self) -> str:
        return f"{self.run}: {countries.name_all(self.countries)}"
