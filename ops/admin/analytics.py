"""The page of figures beside the forms of runs, clients, orders and locations."""

from typing import Any, ClassVar

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from unfold.decorators import action

from foundation.admin.addresses import PageParameter, one_of
from foundation.admin.base import GlimpseAdmin
from trackers.pages import analytics
from trackers.pages.analytics import Subject


class AnalyticsAdmin(GlimpseAdmin):
    """Offers `subject(request, row)` as a page, by a button on the row's own."""

    actions_detail = ("analytics",)
    page_parameters: ClassVar = {
        "analytics": (
            one_of("days", analytics.WINDOWS_DAYS),
            PageParameter("periods_after", analytics.is_page_of_periods, "what the links of the page have"),
        )
    }

    def subject(self, request: HttpRequest, row: Any) -> Subject:
        raise NotImplementedError

    @action(description="Analytics", url_path="analytics", icon="monitoring")
    def analytics(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = self.get_object(request, object_id)
        if row is None or not self.has_view_permission(request, row):
            raise Http404
        page = analytics.show(
            self.subject(request, row),
            days=request.GET.get("days", ""),
            periods_after=request.GET.get("periods_after", ""),
            now=timezone.now(),
        )
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": row,
            "title": f"Analytics: {row}",
            **vars(page),
        }
        return render(request, "admin/trackers/analytics.html", context)
