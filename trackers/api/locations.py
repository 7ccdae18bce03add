"""Locations, read by everybody who may see them and written by staff: here, since histories follow from a change."""

from typing import Any, ClassVar

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from clients.models import ProductionRun
from foundation.api.strict import Takes
from locations.api import views
from locations.api.changes import LocationChangesSerializer, NewLocationSerializer
from locations.api.serializers import LocationSerializer
from trackers import tasks
from trackers.services.changes import locations
from trackers.services.changes.locations import ChangedLocation


class WrittenByStaff(views.LocationScoped):
    def refuse_others(self, action: str, *kinds: str) -> None:
        """As in the admin, storage and delivery locations have permissions of their own."""
        user: Any = self.request.user
        names = [f"locations.{action}_{kind.lower()}location" for kind in kinds]
        if not (user.is_staff and user.has_perms(names)):
            raise PermissionDenied(f"Only staff who may {action} such locations may do this.")

    def refuse_non_staff(self) -> None:
        if not self.request.user.is_staff:
            raise PermissionDenied("Only staff may do this.")

    def given_values(self) -> dict[str, Any]:
        return self.given(context={"runs": self.visible(ProductionRun)})

    def answer(self, changed: ChangedLocation, status: int) -> Response:
        if changed.job:
            tasks.work_off_recomputations.delay_on_commit()  # type: ignore[attr-defined]
        shown = self.get_serializer(self.get_queryset().get(pk=changed.location.pk))
        return Response(shown.data, status=status)


@extend_schema(tags=["locations"])
class LocationsView(WrittenByStaff, views.LocationsView):
    """Storage and delivery locations: circles, or areas where one is drawn."""

    takes: ClassVar = {"post": Takes(body=NewLocationSerializer)}

    @extend_schema(operation_id="location_add", responses={201: LocationSerializer})
    def post(self, request: Request) -> Response:
        """Add a location. For staff.

        Its fence is held to the same rules as in the admin. Where reports of the past lie in it, the histories of its
        runs' trackers are recomputed in the background.
        """
        self.refuse_non_staff()
        values = self.given_values()
        self.refuse_others("add", values["kind"])
        user: Any = request.user
        return self.answer(locations.add_location(actor=user, now=timezone.now(), **values), 201)


@extend_schema(tags=["locations"])
class LocationView(WrittenByStaff, views.LocationView):
    """One location."""

    takes: ClassVar = {"patch": Takes(body=LocationChangesSerializer)}

    @extend_schema(operation_id="location_change", responses=LocationSerializer)
    def patch(self, request: Request, pk: int) -> Response:
        """Change what is given of a location, and leave the rest as it is. For staff.

        The affected histories are recomputed in the background.
        """
        location = self.get_object()
        self.refuse_non_staff()
        values = self.given_values()
        self.refuse_others("change", location.kind, values.get("kind", location.kind))
        user: Any = request.user
        changed = locations.change_location(location=location, actor=user, now=timezone.now(), **values)
        return self.answer(changed, 200)
