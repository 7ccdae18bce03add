"""Sections of a tracker's page in the admin. An app above offers its own as a value; `ops` composes them."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from foundation.tenancy import Viewer
from trackers.models import Tracker


@dataclass(frozen=True, slots=True)
class Panel:
    """`load(tracker, user=, now=)` returns what `template` shows as `panel`."""

    title: str
    template: str
    load: Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Loaded:
    title: str
    template: str
    data: Any


def load_all(panels: tuple[Panel, ...], tracker: Tracker, *, user: Viewer, now: datetime) -> list[Loaded]:
    return [Loaded(panel.title, panel.template, panel.load(tracker, user=user, now=now)) for panel in panels]
