"""The admin of trackers, of their history, and of what replays it when it is changed: locations and runs."""

from trackers.admin import history, locations, retention, runs, trackers

__all__ = ["history", "locations", "retention", "runs", "trackers"]
