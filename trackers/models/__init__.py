"""Trackers, what they reported, and what became of it."""

from trackers.models.alerts import Alert, AlertWatch
from trackers.models.history import GeofenceEvent, StatusChange, TimelineCheck
from trackers.models.reports import Battery, DailyPosition, HourlyPosition, LocationReport, RejectedReport
from trackers.models.trackers import Assignment, GeoStatus, Tracker

__all__ = [
    "Alert",
    "AlertWatch",
    "Assignment",
    "Battery",
    "DailyPosition",
    "GeoStatus",
    "GeofenceEvent",
    "HourlyPosition",
    "LocationReport",
    "RejectedReport",
    "StatusChange",
    "TimelineCheck",
    "Tracker",
]
