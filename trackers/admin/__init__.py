"""The admin of trackers, of their history, and of what replays it when it is changed: locations and runs."""

from trackers.admin import history, jobs, locations, runs, trackers

__all__ = ["history", "jobs", "locations", "runs", "trackers"]
