"""Fetching, and what it could not use; and a section of a tracker's page that tells how its fetches go."""

import base64
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from unfold.contrib.filters.admin import ChoicesDropdownFilter, DropdownFilter

from foundation.admin import display
from foundation.admin.base import ReadOnlyAdmin, ago_column, badge_column
from foundation.errors import DomainError
from ingestion.models import AccountState, AccountTally, FetchState, Heartbeat
from ingestion.pages import fetching
from ingestion.services import retrying
from trackers.admin.filters import ResolvedFilter
from trackers.admin.history import TrackerRowsAdmin
from trackers.admin.panels import Panel
from trackers.models import RejectedReport


class FetchFilter(DropdownFilter):
    title = "fetching"
    parameter_name = "fetching"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("failing", "Keeps failing"), ("overdue", "Overdue"), ("queued", "Queued")]

    def queryset(self, request: HttpRequest, queryset: Any) -> QuerySet[FetchState]:
        if self.value() == "failing":
            return queryset.failing()
        if self.value() == "overdue":
            return queryset.queued().filter(next_due_at__lt=timezone.now()).order_by("next_due_at")
        return queryset.queued() if self.value() == "queued" else queryset


@admin.register(FetchState)
class FetchStateAdmin(TrackerRowsAdmin):
    empty_hint = "Active trackers in a current run are queued for fetching within a minute."
    list_display = (
        "tracker",
        "due",
        "consecutive_failures",
        "consecutive_empty_fetches",
        "succeeded",
        "brought_report",
        "last_error",
    )
    list_filter = (FetchFilter,)
    list_select_related = ("tracker",)
    sortable_by = ()
    fields = (
        "tracker",
        "next_due_at",
        "backoff_factor",
        "consecutive_failures",
        "consecutive_empty_fetches",
        "last_attempt_at",
        "last_success_at",
        "last_report_at",
        "last_error",
    )

    due = ago_column("next_due_at", "due")
    succeeded = ago_column("last_success_at", "last success")
    brought_report = ago_column("last_report_at", "last new report")


@admin.register(AccountState)
class AccountStateAdmin(ReadOnlyAdmin):
    empty_hint = "Accounts from FINDMY_ACCOUNTS appear here with their first request."
    list_display = ("name", "standing", "requested", "succeeded", "consecutive_refusals", "last_error")
    ordering = ("name",)
    sortable_by = ()

    requested = ago_column("last_request_at", "last request")
    succeeded = ago_column("last_success_at", "last success")

    @admin.display(description="standing")
    def standing(self, account: AccountState) -> Any:
        now = timezone.now()
        if account.cooldown_until and account.cooldown_until > now:
            left = display.short_duration(account.cooldown_until - now)
            return display.badge("COOLING", f"cooling down for {left}")
        return display.badge("ACTIVE", "in use")


@admin.register(AccountTally)
class AccountTallyAdmin(ReadOnlyAdmin):
    empty_hint = "Each account's requests are counted by day."
    list_display = ("account", "day", "requests", "unauthorized", "throttled", "other_failures")
    ordering = ("-day", "account")
    sortable_by = ()


@admin.register(Heartbeat)
class HeartbeatAdmin(ReadOnlyAdmin):
    empty_hint = "No heartbeat yet: start the worker and beat."
    list_display = ("service", "beat", "detail")
    ordering = ("name",)
    sortable_by = ()

    beat = ago_column("beat_at", "last heartbeat")

    @admin.display(description="service")
    def service(self, heartbeat: Heartbeat) -> str:
        return heartbeat.get_name_display()


@admin.register(RejectedReport)
class RejectedReportAdmin(TrackerRowsAdmin):
    empty_hint = "Nothing was rejected. What can't be decrypted, read or stored is kept here for another try."
    list_display = ("last_received_at", "reason_badge", "tracker", "occurrences", "detail", "resolved")
    list_filter = (ResolvedFilter, ("reason", ChoicesDropdownFilter), ("source", ChoicesDropdownFilter))
    list_select_related = ("tracker",)
    ordering = ("-last_received_at",)
    sortable_by = ()
    actions = ("retry",)
    fields = (
        "tracker",
        "reason",
        "detail",
        "source",
        "hashed_key",
        "payload_text",
        "occurrences",
        "first_received_at",
        "last_received_at",
        "resolved_at",
    )
    readonly_fields = ("payload_text",)

    reason_badge = badge_column("reason", "reason")
    resolved = ago_column("resolved_at", "resolved")

    @admin.display(description="payload, encrypted")
    def payload_text(self, rejected: RejectedReport) -> str:
        return base64.b64encode(rejected.payload).decode("ascii")

    def has_retry_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("trackers.change_rejectedreport")

    @admin.action(description="Try again", permissions=["retry"])
    def retry(self, request: HttpRequest, queryset: QuerySet[RejectedReport]) -> None:
        ids = list(queryset.values_list("pk", flat=True)[: retrying.RETRIES_PER_CALL])
        try:
            outcome = retrying.retry_rejected(ids=ids, now=timezone.now())
        except DomainError as error:
            self.report_error(request, error)
            return
        level = messages.SUCCESS if not outcome.rejected else messages.WARNING
        message = f"{outcome.resolved} stored or known already, {outcome.rejected} rejected again."
        self.message_user(request, message, level)


PANEL = Panel("Fetching", "admin/ingestion/tracker_fetching.html", fetching.of_tracker)
