"""Trackers and their time series.

What is on a tracker's row tells of its latest assignment, so a client sees the row while that is its own. Reports,
events and history belong to the assignment of their time: a client finds its own for ever in `/reports/`,
`/events/` and `/history/`, and never those of the clients before and after it.
"""

from collections.abc import Sequence
from datetime import datetime
from functools import cached_property
from typing import Any, ClassVar

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import NotFound
from rest_framework.generics import ListAPIView, RetrieveAPIView, get_object_or_404
from rest_framework.request import Request
from rest_framework.response import Response

from foundation.api.pagination import CursorPages, Key
from foundation.api.scoping import TenantScoped
from locations.api.geojson import GeoJsonRenderer
from outbox.api.following import FollowedPages
from outbox.models import ChangedRow
from trackers import selectors
from trackers.api import filters, serializers
from trackers.models import GeofenceEvent, LocationReport, StatusChange, Tracker
from trackers.naming import name_of

MAC_IN_PATH = OpenApiParameter(
    "mac",
    str,
    OpenApiParameter.PATH,
    description="The tracker's MAC, in any notation: E2:7B:7C:0B:3A:2F; or its serial.",
)
of_one_tracker = extend_schema(tags=["trackers"], parameters=[MAC_IN_PATH])


class OfTracker(TenantScoped):
    """A view under `/trackers/<mac>/`: there is nothing here if the user may not see the tracker."""

    @cached_property
    def mac(self) -> str:
        name = name_of(self.kwargs["mac"])
        mac = name.mac or selectors.mac_of_serial(self.request.user, name.text)
        if not mac:
            raise NotFound(
                f"{name.text[:40]!r} is no MAC address, and none of your trackers has this serial."
            )
        return mac

    def get_tracker(self) -> Tracker:
        return get_object_or_404(self.visible(Tracker), mac=self.mac)


class TrackerPages(FollowedPages):
    """Whatever changes a tracker's row, reports, events, history or assignments is a change of the tracker."""

    kind = ChangedRow.Kind.TRACKER
    unfollowable = (*FollowedPages.unfollowable, "silent_for")
    gone_schema: ClassVar[dict[str, Any]] = {
        "type": "object",
        "required": ["mac"],
        "properties": {"mac": {"type": "string"}},
    }

    def names(self, ids: Sequence[int]) -> list[dict[str, Any]]:
        macs = selectors.macs_by_id(ids)
        return [{"mac": macs[id_]} for id_ in ids if id_ in macs]


@extend_schema(tags=["trackers"])
class TrackersView(TenantScoped, ListAPIView):
    """Trackers that are assigned to the user's clients; all of them for staff. By default in the order of their ids.

    To keep a copy, follow `changed_after`. A tracker comes again whenever its row, its reports, its events, its history
    or its assignments changed; one that went to another client is told in `gone`, and comes there again if what
    happened under your own assignments changes later.
    """

    model = Tracker
    serializer_class = serializers.TrackerSerializer
    filterset_class = filters.OrderedTrackerFilters
    pagination_class = TrackerPages

    def narrow(self, visible: Any) -> Any:
        return selectors.trackers_for_api(visible).order_by("id")


@of_one_tracker
class TrackerView(OfTracker, RetrieveAPIView):
    """One tracker: its lifecycle state and shipment status, and when it was last seen and last received."""

    model = Tracker
    serializer_class = serializers.TrackerSerializer

    def narrow(self, visible: Any) -> Any:
        return selectors.trackers_for_api(visible)

    def get_object(self) -> Tracker:
        return get_object_or_404(self.get_queryset(), mac=self.mac)


class TrackersGeoJsonView(TenantScoped):
    model = Tracker
    filterset_class = filters.TrackerFilters
    pagination_class = None
    renderer_classes = (GeoJsonRenderer,)

    def narrow(self, visible: Any) -> Any:
        return visible.order_by("id")

    @extend_schema(
        tags=["trackers"], operation_id="trackers_geojson", responses=serializers.TrackerCollectionSerializer
    )
    def get(self, request: Request) -> Response:
        """Where trackers were last seen, as GeoJSON: at most 10,000 that have a position."""
        return Response(selectors.tracker_features(self.filter_queryset(self.get_queryset())))


class TrackView(OfTracker):
    model = LocationReport
    filterset_class = filters.TrackFilters
    pagination_class = None
    renderer_classes = (GeoJsonRenderer,)

    def narrow(self, visible: Any) -> Any:
        return selectors.reports_for_api(visible).filter(tracker_id=self.get_tracker().pk)

    @extend_schema(
        tags=["trackers"],
        operation_id="tracker_track_geojson",
        parameters=[MAC_IN_PATH],
        responses=serializers.TrackCollectionSerializer,
    )
    def get(self, request: Request, mac: str) -> Response:
        """A tracker's route as GeoJSON: a line through its reports that count, and every report as a point.

        Oldest first. By default of the last 7 days; at most 92 days and the newest 5,000 reports.
        """
        return Response(selectors.track_features(self.mac, self.filter_queryset(self.get_queryset())))


class SeriesView(TenantScoped, ListAPIView):
    """A time series, newest first. The order ends with what makes a row unique."""

    pagination_class = CursorPages
    cursor_keys: ClassVar[tuple[Key, ...]]


@extend_schema(tags=["time series"])
class ReportsView(SeriesView):
    """Location reports, newest first: where phones saw the trackers.

    Without `tracker`: of the last 24 hours unless `since` is given, at most 7 days; staff name a run or client.
    """

    model = LocationReport
    serializer_class = serializers.ReportSerializer
    filterset_class = filters.FleetReportFilters
    cursor_keys = (Key("seen_at", datetime), Key("tracker_id", int), Key("fingerprint", bytes))

    def narrow(self, visible: Any) -> Any:
        return selectors.reports_for_api(visible)


@extend_schema(tags=["time series"])
class EventsView(SeriesView):
    """Geofence events, newest first: arrivals (ENTRY), departures (EXIT), and reports in between (DWELL, TRANSIT).

    Without `tracker`: of the last 24 hours unless `since` is given, at most 31 days; staff name a run, a client, or a
    location with types of ENTRY or EXIT only.
    """

    model = GeofenceEvent
    serializer_class = serializers.EventSerializer
    filterset_class = filters.FleetEventFilters
    cursor_keys = (
        Key("occurred_at", datetime),
        Key("tracker_id", int),
        Key("fingerprint", bytes),
        # An EXIT and the ENTRY of the same report: the entry came last.
        Key("type", str, descending=False),
        Key("id", int),
    )

    def narrow(self, visible: Any) -> Any:
        return selectors.rows_for_api(visible)


@extend_schema(tags=["time series"])
class HistoryView(SeriesView):
    """The status history, newest first: periods in transit, in storage and at delivery locations.

    Without `tracker`: of the last 31 days unless `since` is given, at most 366 days; staff name a run or client.
    """

    model = StatusChange
    serializer_class = serializers.StatusChangeSerializer
    filterset_class = filters.FleetHistoryFilters
    cursor_keys = (
        Key("started_at", datetime),
        Key("tracker_id", int),
        Key("fingerprint", bytes),
        Key("id", int),
    )

    def narrow(self, visible: Any) -> Any:
        return selectors.rows_for_api(visible)


@of_one_tracker
class TrackerReportsView(OfTracker, ReportsView):
    """The tracker's reports, newest first."""

    filterset_class = filters.ReportFilters

    def narrow(self, visible: Any) -> Any:
        return super().narrow(visible).filter(tracker_id=self.get_tracker().pk)


@of_one_tracker
class TrackerEventsView(OfTracker, EventsView):
    """The tracker's events, newest first."""

    filterset_class = filters.EventFilters

    def narrow(self, visible: Any) -> Any:
        return super().narrow(visible).filter(tracker_id=self.get_tracker().pk)


@of_one_tracker
class TrackerHistoryView(OfTracker, HistoryView):
    """The tracker's status history, newest first."""

    filterset_class = filters.HistoryFilters

    def narrow(self, visible: Any) -> Any:
        return super().narrow(visible).filter(tracker_id=self.get_tracker().pk)
