"""The admin's start page: `ops.pages.overview` with the addresses of the lists that its numbers count."""

from typing import Any, NamedTuple
from urllib.parse import urlencode

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from ops.pages import overview
from ops.pages.overview import Share


class LinkedShare(NamedTuple):
    """A share of the fleet with the address of the list of its trackers."""

    code: str
    label: str
    number: int
    percent: float
    url: str


def add_overview(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """What the theme's start page gets beside its own."""
    page = vars(overview.show(now=timezone.now()))
    return {
        **context,
        **page,
        "title": "Overview",
        "statuses": [_linked(share) for share in page["statuses"]],
        "freshness": [_linked(share) for share in page["freshness"]],
        "alert_list": reverse("admin:trackers_alert_changelist"),
    }


def _linked(share: Share) -> LinkedShare:
    chosen = {"state__exact": share.state, "status__exact": share.status, "seen": share.seen}
    query = urlencode({name: value for name, value in chosen.items() if value})
    url = f"{reverse('admin:trackers_tracker_changelist')}?{query}"
    return LinkedShare(share.code, share.label, share.number, share.percent, url)
