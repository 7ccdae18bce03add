"""Parts of a tracker's page that come from apps above: they register themselves, since `trackers` may not import
them."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from trackers.models import Tracker


@dataclass(frozen=True)
class Panel:
    """A section of the page. `load(tracker, now)` returns what `template` shows as `panel`."""

    title: str
    template: str
    load: Callable[[Tracker, datetime], dict[str, Any]]


_PANELS: list[Panel] = []


def register(panel: Panel) -> None:
    _PANELS.append(panel)


def load_panels(tracker: Tracker, now: datetime) -> list[dict[str, Any]]:
    return [
        {"title": panel.title, "template": panel.template, "data": panel.load(tracker, now)}
        for panel in _PANELS
    ]
