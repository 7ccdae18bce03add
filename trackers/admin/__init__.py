"""The admin of trackers, of their history, and of what replays it when it is changed: locations and runs."""

from trackers.admin import alerts, analytics, history, jobs, locations, retention, runs, trackers

__all__ = ["alerts", "analytics", "history", "jobs", "locations", "retention", "runs", "trackers"]
