"""A tracker's lifecycle on one page, from its keys to its delivery.

Each app offers the stages that it knows of as `STAGES` in its own `pages.lifecycle`; whoever shows the page composes
them. A stage tells what happened of it as milestones; one that is expected and has none since the tracker was last in
stock is shown as still to come.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from django.db.models import Model, OuterRef, Subquery

from clients.models import User
from trackers.models import Assignment, LocationReport, StatusChange, Tracker

# Of anything that comes again and again, this many of the latest.
MAX_REPEATS = 20


class Reference(NamedTuple):
    """A row that has a page of its own, as whoever shows it may link to: the model's label in lower case
    (`orders.order`), and the section of the page, if there is one for it."""

    model: str
    pk: int
    section: str = ""


@dataclass(frozen=True, slots=True)
class Milestone:
    """What happened, when, who did it (empty where nobody did), which row tells more, and a few words."""

    name: str
    at: datetime
    actor: str = ""
    about: Reference | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Stage:
    """`position` orders the stages of a lifecycle that goes well; `load` finds what happened, in any order.

    awaited: what is shown while it is still to come; empty for what nobody waits for, such as a loss. restarts: what
    comes after it is another lifecycle of the same device.
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


def steps_of(tracker: Tracker, stages: Iterable[Stage]) -> list[Step]:
    """What happened, in the order of time, then what is still to come."""
    known = list(stages)
    found = [(milestone, stage) for stage in known for milestone in stage.load(tracker)]
    found.sort(key=lambda each: (each[0].at, each[1].restarts, each[1].position))
    reached = 0
    for _, stage in found:
        reached = stage.position if stage.restarts else max(reached, stage.position)
    coming = sorted((stage.position, stage.icon, stage.awaited) for stage in known if stage.awaited)
    happened = [Step(stage.icon, milestone.name, milestone) for milestone, stage in found]
    return happened + [Step(icon, name, None) for position, icon, name in coming if position > reached]


def reference(row: Model, section: str = "") -> Reference:
    return Reference(row._meta.label_lower, row.pk, section)


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
            about=reference(tracker, "reports"),
            detail=str(assignment.run),
        )
        for assignment in latest[:MAX_REPEATS]
        if assignment.first_seen_at and assignment.first_seen_at in assignment.period
    ]


def _arrivals(status: str, name: str) -> Callable[[Tracker], list[Milestone]]:
    """The first arrival with this status under each assignment."""

    def load(tracker: Tracker) -> list[Milestone]:
        rows = StatusChange.objects.valid().filter(tracker=tracker, status=status).select_related("location")
        firsts = rows.order_by("assignment", "started_at").distinct("assignment")
        return [
            Milestone(
                name,
                period.started_at,
                about=reference(period),
                detail=period.location.name if period.location else "",
            )
            for period in firsts[:MAX_REPEATS]
        ]

    return load


STAGES = (
    Stage(25, "precision_manufacturing", _made),
    Stage(40, "inventory_2", _registered, awaited="Received in stock"),
    Stage(80, "sensors", _first_reports, awaited="First report"),
    Stage(90, "warehouse", _arrivals("IN_STORAGE", "Arrived in storage")),
    Stage(100, "storefront", _arrivals("DELIVERED", "Delivered"), awaited="Delivered"),
)
