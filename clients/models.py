"""Who Glimpse works for: clients, their brands and production runs, and the people who may see them."""

from __future__ import annotations

from datetime import date
from typing import Self

from django.contrib.auth.models import AbstractUser
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from foundation.audit import audited
from foundation.tenancy import TenantQuerySet


@audited(fields=["username", "email", "first_name", "last_name", "is_active", "is_staff", "is_superuser"])
class User(AbstractUser):
    """A person. Staff see every client; others see the clients of their memberships."""


class ClientQuerySet(TenantQuerySet["Client"]):
    client_path = "pk"


class BrandQuerySet(TenantQuerySet["Brand"]):
    client_path = "client"


class ProductionRunQuerySet(TenantQuerySet["ProductionRun"]):
    client_path = "brand__client"

    def live_on(self, day: date) -> Self:
        """Runs whose dates include `day` (in UTC)."""
        return self.filter(start_date__lte=day, end_date__gte=day)


@audited()
class Client(models.Model):
    """A tenant: nothing of one client is ever shown to another."""

    name = models.CharField(max_length=200, unique=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = ClientQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name


@audited()
class Brand(models.Model):
    client = models.ForeignKey(Client, on_delete=models.PROTECT, related_name="brands")
    name = models.CharField(max_length=200)

    objects = BrandQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["client", "name"], name="brand_name_unique_per_client"),
        ]

    def __str__(self) -> str:
        return f"{self.client} / {self.name}"


@audited()
class ProductionRun(models.Model):
    """A campaign of shipments. Its dates are inclusive and in UTC; its presence policy steers the timeline."""

    brand = models.ForeignKey(Brand, on_delete=models.PROTECT, related_name="runs")
    name = models.CharField(max_length=200)
    start_date = models.DateField()
    end_date = models.DateField(db_index=True)
    max_accuracy_m = models.PositiveIntegerField(
        default=250,
        help_text="Reports less accurate than this are kept and shown, but make no event. The network says 255 for"
        " everything that is worse.",
    )
    exit_accuracy_cap_m = models.PositiveIntegerField(
        default=100, help_text="How much of a report's error circle counts when deciding that a tracker left."
    )
    entry_accuracy_factor = models.PositiveSmallIntegerField(
        default=3,
        help_text="A report enters a location only if its accuracy is at most this many times the location's radius.",
    )
    max_speed_kmh = models.PositiveSmallIntegerField(
        default=1000,
        help_text="A report that would take a higher speed than this counts only if the next one agrees with it.",
    )
    confirmations = models.PositiveSmallIntegerField(
        default=1, help_text="How many consecutive reports must agree before a change of location counts."
    )
    countries = ArrayField(
        models.CharField(max_length=2),
        default=list,
        db_default=[],
        blank=True,
        help_text="Where its trackers may be, at its locations too; elsewhere they raise an alert. Empty: the countries"
        " of the run's locations and those on the way between them.",
    )

    objects = ProductionRunQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["brand", "name"], name="production_run_name_unique_per_brand"),
            models.CheckConstraint(
                condition=Q(end_date__gte=F("start_date")), name="production_run_ends_after_start"
            ),
            models.CheckConstraint(
                condition=Q(confirmations__gte=1, confirmations__lte=10),
                name="production_run_confirmations_1_to_10",
            ),
            models.CheckConstraint(
                condition=Q(entry_accuracy_factor__gte=1, entry_accuracy_factor__lte=100),
                name="production_run_entry_accuracy_factor_1_to_100",
            ),
            models.CheckConstraint(
                condition=Q(max_speed_kmh__gte=10, max_speed_kmh__lte=3000),
                name="production_run_max_speed_10_to_3000_kmh",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.brand} / {self.name}"

    def overlapping(self) -> ProductionRunQuerySet:
        """Other runs of the brand that share a day with it."""
        others = ProductionRun.objects.filter(brand=self.brand_id).exclude(pk=self.pk)
        return others.filter(start_date__lte=self.end_date, end_date__gte=self.start_date).order_by("name")


@audited()
class Membership(models.Model):
    """Lets a user see one client."""

    class Role(models.TextChoices):
        VIEWER = "VIEWER", "Viewer"
        MANAGER = "MANAGER", "Manager"

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    client = models.ForeignKey(Client, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role.choices, default=Role.VIEWER)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "client"], name="membership_one_per_user_and_client"),
        ]

    def __str__(self) -> str:
        return f"{self.user} @ {self.client}"
