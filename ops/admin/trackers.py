"""Trackers with what orders, fetching and the keys know of them."""

from ingestion.admin import PANEL as FETCHING
from ops.admin.composing import composed
from ops.pages import lifecycle
from orders.admin import devices
from trackers.admin.trackers import TrackerAdmin
from trackers.models import Tracker
from trackers.pages.lifecycle import Stage


@composed(Tracker)
class ComposedTrackerAdmin(TrackerAdmin):
    steps = (*TrackerAdmin.steps, *devices.STEPS)
    panels = (*TrackerAdmin.panels, FETCHING)

    def get_stages(self) -> tuple[Stage, ...]:
        return lifecycle.stages()
