"""Recomputations: how far they are, what they changed, and whom they failed on."""

from datetime import datetime
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from unfold.contrib.filters.admin import ChoicesDropdownFilter

from clients.models import User
from foundation.admin.base import ReadOnly, ago_column, badge_column
from foundation.admin.progress import Progress, ProgressAdmin
from foundation.admin.steps import Rows, Step
from locations.models import SHAPE_OF_LOCATION
from trackers import tasks
from trackers.models import RecomputationJob
from trackers.services import recomputation

FAILURES_LISTED = 50


def _cancel(rows: Rows, values: dict[str, Any], actor: User, now: datetime) -> str:
    for job in rows:
        recomputation.cancel_job(job=job, now=now)
    return "Cancelled: what was recomputed by then stays."


def _resume(rows: Rows, values: dict[str, Any], actor: User, now: datetime) -> str:
    for job in rows:
        recomputation.resume_job(job=job)
    tasks.work_off_recomputations.delay_on_commit()  # type: ignore[attr-defined]
    return "Queued again."


@admin.register(RecomputationJob)
class RecomputationJobAdmin(ReadOnly, ProgressAdmin):
    empty_hint = (
        "A changed fence or run queues the recomputation of the affected trackers; so do trackers that are assigned"
        " from long ago."
    )
    list_display = ("__str__", "subject", "state_badge", "how_far", "changed", "created", "requested_by")
    list_filter = (("state", ChoicesDropdownFilter), ("reason", ChoicesDropdownFilter))
    sortable_by = ()
    fields = (
        "subject",
        "change",
        "state",
        "requested_by",
        "created_at",
        "finished_at",
        "superseded_by",
        "total",
        "recomputed",
        "changed",
        "periods_added",
        "periods_retracted",
        "failed",
        "failures",
    )
    readonly_fields = ("subject", "failures")
    step_columns = ("__str__", "subject", "state_badge", "how_far")
    steps = (
        Step(
            name="cancel",
            title="Cancel",
            explain=lambda rows: (
                "It stops within a second or so. What was recomputed stays; the rest keeps the history of before the"
                " change, until it is resumed, changed again, or found by the check of timelines, which counts drift."
            ),
            button="Cancel the recomputation",
            icon="cancel",
            perform=_cancel,
            offered=lambda job: job.is_unfinished,
            dangerous=True,
        ),
        Step(
            name="resume",
            title="Resume",
            explain=lambda rows: "It goes on where it stopped, and tries again the trackers that failed.",
            button="Resume",
            icon="resume",
            perform=_resume,
            offered=lambda job: (
                not job.is_unfinished and job.superseded_by_id is None and job.done - job.failed < job.total
            ),
        ),
    )

    state_badge = badge_column("state", "state")
    created = ago_column("created_at", "created")

    def get_queryset(self, request: HttpRequest) -> QuerySet[RecomputationJob]:
        rows = super().get_queryset(request).select_related("location", "run__brand", "requested_by")
        return rows.defer(*SHAPE_OF_LOCATION, "old_shape")

    @admin.display(description="of")
    def subject(self, job: RecomputationJob) -> str:
        return str(job.location or job.run or "deleted since")

    @admin.display(description="trackers")
    def how_far(self, job: RecomputationJob) -> str:
        return f"{job.done:,} of {job.total:,}"

    @admin.display(description="failed on")
    def failures(self, job: RecomputationJob) -> Any:
        failed = job.targets.exclude(error="").select_related("tracker")[:FAILURES_LISTED]
        rows = [(target.tracker.mac, target.error) for target in failed]
        return format_html("<ul>{}</ul>", format_html_join("", "<li>{}: {}</li>", rows)) if rows else "none"

    def progress(self, row: Any) -> Progress:
        text = f"{row.done:,} of {row.total:,} trackers, {row.changed:,} changed"
        if row.failed:
            text += f", {row.failed:,} failed"
        return Progress(row.done, row.total, f"{row.get_state_display()}: {text}", row.is_unfinished)
