"""Which months of reports will be dropped, and what became of those that were."""

from datetime import datetime
from typing import Any

from django.contrib import admin
from unfold.contrib.filters.admin import ChoicesDropdownFilter

from clients.models import User
from foundation.admin.base import badge_column
from foundation.admin.steps import Rows, Step, StepsAdmin
from trackers.models import RetiredMonth
from trackers.services import reports

_MB = 1_000_000


def _hold(rows: Rows, values: dict[str, Any], actor: User, now: datetime) -> str:
    reports.hold_months(months=rows)
    return f"Held: {_named(rows)}."


def _release(rows: Rows, values: dict[str, Any], actor: User, now: datetime) -> str:
    reports.release_months(months=rows)
    return f"Released: {_named(rows)}."


def _named(rows: Rows) -> str:
    return ", ".join(map(str, rows))


HOLD = Step(
    name="hold",
    title="Hold: do not drop",
    button="Hold",
    icon="pan_tool",
    explain=lambda rows: (
        f"The reports of {_named(rows)} and of all later months stay, until you release what is held."
    ),
    perform=_hold,
    offered=lambda row: row.state == RetiredMonth.State.ANNOUNCED,
)
RELEASE = Step(
    name="release",
    title="Release: drop as announced",
    button="Release",
    icon="auto_delete",
    explain=lambda rows: (
        f"The reports of {_named(rows)} will be dropped once their notice is over, with their DWELL and TRANSIT"
        " events. Arrivals, departures, history and rollups stay."
    ),
    perform=_release,
    offered=lambda row: row.state == RetiredMonth.State.HELD,
    dangerous=True,
)


@admin.register(RetiredMonth)
class RetiredMonthAdmin(StepsAdmin):
    empty_hint = (
        "Months of reports are announced here before they are dropped; how old they get is a setting."
    )
    list_display = ("month", "state_badge", "drop_after", "reports", "size", "events_deleted", "dropped_at")
    list_filter = (("state", ChoicesDropdownFilter),)
    ordering = ("-starts_at",)
    sortable_by = ()
    steps = (HOLD, RELEASE)
    step_columns = ("month", "state_badge", "drop_after", "reports", "size")
    fields = (
        "month",
        "state",
        "announced_at",
        "drop_after",
        "reports",
        "size",
        "events_deleted",
        "dropped_at",
    )
    readonly_fields = fields

    state_badge = badge_column("state", "state")

    @admin.display(description="month")
    def month(self, row: RetiredMonth) -> str:
        return str(row)

    @admin.display(description="reports")
    def reports(self, row: RetiredMonth) -> str:
        return f"about {row.reports_estimated:,}"

    @admin.display(description="size")
    def size(self, row: RetiredMonth) -> str:
        return f"{row.size_bytes / _MB:,.1f} MB"

    def has_add_permission(self, request: Any) -> bool:
        return False

    def has_delete_permission(self, request: Any, obj: Any = None) -> bool:
        return False
