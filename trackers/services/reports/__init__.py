"""Reports: storing what arrives, with the history that follows from it, and dropping it when its time is over.

Others call what is named in `__all__`. `record_reports` is the one way by which reports enter the store.
"""

from trackers.services.reports.recording import record_rejections, record_reports
from trackers.services.reports.rejections import delete_old_rejections, renew_reasons, resolve_stored
from trackers.services.reports.retention import (
    NotToBeHeldError,
    announce_months,
    drop_due_months,
    due_months,
    hold_months,
    release_months,
)

__all__ = [
    "NotToBeHeldError",
    "announce_months",
    "delete_old_rejections",
    "drop_due_months",
    "due_months",
    "hold_months",
    "record_rejections",
    "record_reports",
    "release_months",
    "renew_reasons",
    "resolve_stored",
]
