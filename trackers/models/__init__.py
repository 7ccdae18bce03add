"""Trackers, what they reported, and what became of it."""

from trackers.models.alerts import Alert, AlertWatch, RunCountries
from trackers.models.battery import Battery
from trackers.models.checks import RetentionCutoff, TimelineCheck
from trackers.models.history import GeofenceEvent, Retraction, StatusChange
from trackers.models.jobs import RecomputationJob, RecomputationTarget
from trackers.models.reports import DailyPosition, HourlyPosition, LocationReport, RejectedReport
from trackers.models.retention import AcceptedBeforeCutoff, RetiredMonth
from trackers.models.trackers import Assignment, GeoStatus, Tracker

__all__ = [
    "AcceptedBeforeCutoff",
    "Alert",
    "AlertWatch",
    "Assignment",
    "Battery",
    "DailyPosition",
    "GeoStatus",
    "GeofenceEvent",
    "HourlyPosition",
    "LocationReport",
    "RecomputationJob",
    "RecomputationTarget",
    "RejectedReport",
    "RetentionCutoff",
    "RetiredMonth",
    "Retraction",
    "RunCountries",
    "StatusChange",
    "TimelineCheck",
    "Tracker",
]
