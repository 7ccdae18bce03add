"""A tracker's whole life on one page, from its keys to its delivery.

The apps register the stages that they know of; `trackers` may not import them. A stage tells what happened of it as
milestones; a stage that is expected and has none since the tracker was last in stock is shown as still to come.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import OuterRef, Subquery
from django.urls import reverse

from clients.models import User
from trackers.models import Assignment, LocationReport, StatusChange, Tracker

# Of anything that comes again and again, the latest so many.
MAX_REPEATS = 20


@dataclass(frozen=True, slots=True)
class Milestone:
    """What happened, when, who did it (empty where nobody did), where to read more, and a few words."""

    name: str
    at: datetime
    actor: str = ""
    url: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Stage:
    """`position` orders the stages of a life that goes well; `load` finds what happened, in any order.

    awaited: what is shown while it is still to come; empty for what nobody waits for, such as a loss. restarts: what
    comes after it is another life of the same device.
    """

    position: int
    icon: str
    load: Callable[[Tracker], Iterable[Milestone]]
    awaited: str = ""
    restarts: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """A row of the page: a milestone, or one that is awaited."""

    icon: str
    name: str
    milestone: Milestone | None


_STAGES: list[Stage] = []


def register(*stages: Stage) -> None:
    _STAGES.extend(stages)


def steps_of(tracker: Tracker) -> list[Step]:
    """What happened, in the order of time, then what is still to come."""
    found = [(milestone, stage) for stage in _STAGES for milestone in stage.load(tracker)]
    found.sort(key=lambda each: (each[0].at, each[1].restarts, each[1].position))
    reached = 0
    for _, stage in found:
        reached = stage.position if stage.restarts else max(reached, stage.position)
    coming = sorted((stage.position, stage.icon, stage.awaited) for stage in _STAGES if stage.awaited)
    happened = [Step(stage.icon, milestone.name, milestone) for milestone, stage in found]
    return happened + [Step(icon, name, None) for position, icon, name in coming if position > reached]


def actor_name(audit: Mapping[str, Any] | None, users: Mapping[int, str]) -> str:
    """Who made a change, from the context that the audit kept with it."""
    return users.get((audit or {}).get("user") or 0, "")


def user_names(contexts: Iterable[Mapping[str, Any] | None]) -> dict[int, str]:
    ids = {context["user"] for context in contexts if context and context.get("user")}
    return dict(User.objects.filter(pk__in=ids).values_list("pk", "username")) if ids else {}


def _registered(tracker: Tracker) -> list[Milestone]:
    context = tracker.audit.filter(pgh_label="insert").values_list("pgh_context", flat=True).first()  # type: ignore[attr-defined]
    return [
        Milestone(
            "Received in stock",
            tracker.created_at,
            actor=actor_name(context, user_names([context])),
            detail=f"Serial {tracker.serial}" if tracker.serial else "",
        )
    ]


def _made(tracker: Tracker) -> list[Milestone]:
    """As its manufacturer told."""
    if tracker.manufactured_at is None:
        return []
    told = (("Hardware", tracker.hardware_revision), ("firmware", tracker.firmware))
    detail = ", ".join(f"{name} {value}" for name, value in told if value)
    return [Milestone("Manufactured", tracker.manufactured_at, detail=detail[:1].upper() + detail[1:])]


def _first_reports(tracker: Tracker) -> list[Milestone]:
    """The first report under each assignment."""
    later = LocationReport.objects.filter(
        tracker=OuterRef("tracker"), seen_at__gte=OuterRef("period__startswith")
    )
    first = Subquery(later.order_by("seen_at").values("seen_at")[:1])
    assignments: Any = Assignment.objects.filter(tracker=tracker).annotate(first_seen_at=first)
    latest = assignments.select_related("run__brand__client").order_by("-period__startswith")
    return [
        Milestone(
            "First report",
            assignment.first_seen_at,
            url=f"{_page(tracker)}#reports",
            detail=str(assignment.run),
        )
        for assignment in latest[:MAX_REPEATS]
        if assignment.first_seen_at and assignment.first_seen_at in assignment.period
    ]


def _arrivals(status: str, name: str) -> Callable[[Tracker], list[Milestone]]:
    """The first arrival with this status under each assignment."""

    def load(tracker: Tracker) -> list[Milestone]:
        stays = StatusChange.objects.valid().filter(tracker=tracker, status=status).select_related("location")
        firsts = stays.order_by("assignment", "started_at").distinct("assignment")
        return [
            Milestone(
                name,
                stay.started_at,
                url=reverse("admin:trackers_statuschange_change", args=[stay.pk]),
                detail=stay.location.name if stay.location else "",
            )
            for stay in firsts[:MAX_REPEATS]
        ]

    return load


def _page(tracker: Tracker) -> str:
    return reverse("admin:trackers_tracker_change", args=[tracker.pk])


register(
    Stage(25, "precision_manufacturing", _made),
    Stage(40, "inventory_2", _registered, awaited="Received in stock"),
    Stage(80, "sensors", _first_reports, awaited="First report"),
    Stage(90, "warehouse", _arrivals("IN_STORAGE", "Arrived in storage")),
    Stage(100, "storefront", _arrivals("DELIVERED", "Delivered"), awaited="Delivered"),
)
