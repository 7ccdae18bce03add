"""The admin of trackers and of their history."""

from trackers.admin import alerts, history, jobs, retention, trackers

__all__ = ["alerts", "history", "jobs", "retention", "trackers"]
