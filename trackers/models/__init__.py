"""Trackers, what they reported, and what became of it."""

from trackers.models.history import GeofenceEvent, StatusChange, TimelineCheck
from trackers.models.reports import Battery, DailyPosition, HourlyPosition, LocationReport, RejectedReport
from trackers.models.retention import RetentionHorizon, RetiredMonth
from trackers.models.trackers import Assignment, GeoStatus, Tracker

__all__ = [
    "Assignment",
    "Battery",
    "DailyPosition",
    "GeoStatus",
    "GeofenceEvent",
    "HourlyPosition",
    "LocationReport",
    "RejectedReport",
    "RetentionHorizon",
    "RetiredMonth",
    "StatusChange",
    "TimelineCheck",
    "Tracker",
]
