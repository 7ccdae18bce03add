"""Lists of alerts beside other things: a tracker's own, or those of many."""

from dataclasses import dataclass
from datetime import datetime

from foundation.tenancy import Viewer
from trackers.analytics import alerts
from trackers.models import Alert, Tracker

ON_TRACKERS_PAGE = 10


@dataclass(frozen=True)
class AlertList:
    """of_many: each alert has to name its tracker."""

    alerts: list[Alert]
    now: datetime
    of_many: bool = False


def of_tracker(tracker: Tracker, *, user: Viewer, now: datetime) -> AlertList:
    """The newest of what the user may see of a tracker's alerts, those that last first."""
    mine = Alert.objects.visible_to(user).filter(tracker=tracker)
    return AlertList(alerts.newest(mine, ON_TRACKERS_PAGE), now)
