"""Recomputation of stored history from stored reports: queued, worked off, tried out in previews, and as a check.

Others call what is named in `__all__`.
"""

from trackers.services.recomputation.jobs import (
    JobFinishedError,
    NothingLeftError,
    cancel_job,
    resume_job,
    work_off,
)
from trackers.services.recomputation.pacing import Pace
from trackers.services.recomputation.previewing import Preview, preview_job
from trackers.services.recomputation.queueing import (
    fence_of,
    queue_assignment,
    queue_fence,
    queue_run,
    run_of,
)
from trackers.services.recomputation.recomputing import Recomputed, recompute_all, recompute_long
from trackers.services.recomputation.tuning import HasAnAreaError, Trial, Tuning, try_radii
from trackers.services.recomputation.verifying import (
    CheckSummary,
    check_summary,
    sample_size,
    verifiable,
    verify,
    verify_due,
    verify_oldest,
)

__all__ = [
    "CheckSummary",
    "HasAnAreaError",
    "JobFinishedError",
    "NothingLeftError",
    "Pace",
    "Preview",
    "Recomputed",
    "Trial",
    "Tuning",
    "cancel_job",
    "check_summary",
    "fence_of",
    "preview_job",
    "queue_assignment",
    "queue_fence",
    "queue_run",
    "recompute_all",
    "recompute_long",
    "resume_job",
    "run_of",
    "sample_size",
    "try_radii",
    "verifiable",
    "verify",
    "verify_due",
    "verify_oldest",
    "work_off",
]
