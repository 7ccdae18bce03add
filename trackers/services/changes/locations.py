"""A location added, changed or deleted: recomputes the histories that its fence decides, and tells its clients."""

from dataclasses import dataclass
from datetime import datetime
from typing import Unpack

from django.db import transaction

from clients.models import ProductionRun, User
from foundation.deadlines import Clock
from locations.models import Location
from locations.services import locations
from locations.services.locations import LocationValues
from outbox.facts import FactType, NewFact
from outbox.services import publish_all
from trackers.models import RecomputationJob
from trackers.services import recomputation
from trackers.services.changes import previewing
from trackers.services.changes.previewing import Tried


@dataclass(frozen=True, slots=True)
class ChangedLocation:
    """job: the recomputation that follows; None where no tracker is affected."""

    location: Location
    job: RecomputationJob | None


def add_location(*, actor: User | None, now: datetime, **values: Unpack[LocationValues]) -> ChangedLocation:
    """Add a location; trackers of its runs that were there already arrive. Raises InvalidValuesError."""
    with transaction.atomic():
        location = locations.add_location(actor=actor, **values)
        job = recomputation.queue_fence(location_id=location.pk, before=None, actor=actor, now=now)
        _publish(location, set(_run_ids(location)), "added", now)
    return ChangedLocation(location, job)


def change_location(
    *, location: Location, actor: User | None, now: datetime, **values: Unpack[LocationValues]
) -> ChangedLocation:
    """Change these values of a stored location. Raises InvalidValuesError."""
    with transaction.atomic():
        Location.objects.select_for_update(no_key=True).only("pk").get(pk=location.pk)
        before = recomputation.fence_of(location.pk)
        changed = locations.change_location(location=location, actor=actor, **values)
        job = recomputation.queue_fence(location_id=location.pk, before=before, actor=actor, now=now)
        if values:
            _publish(changed, {*before.runs, *_run_ids(changed)}, "changed", now)
    return ChangedLocation(changed, job)


def delete_location(*, location: Location, actor: User | None, now: datetime) -> None:
    """Delete a location that no history names: so none changes. Raises InUseError."""
    with transaction.atomic():
        run_ids, pk = set(_run_ids(location)), location.pk
        locations.delete_location(location=location, actor=actor)
        location.pk = pk
        _publish(location, run_ids, "deleted", now)


def preview_new(*, actor: User | None, clock: Clock, **values: Unpack[LocationValues]) -> Tried | None:
    """What `add_location` would do to histories; None if nothing. Raises InvalidValuesError."""
    return previewing.attempt(lambda: add_location(actor=actor, now=clock(), **values).job, clock=clock)


def preview_change(
    *, location: Location, actor: User | None, clock: Clock, **values: Unpack[LocationValues]
) -> Tried | None:
    """What `change_location` would do to histories; None if nothing. Raises InvalidValuesError."""
    return previewing.attempt(
        lambda: change_location(location=location, actor=actor, now=clock(), **values).job, clock=clock
    )


def _run_ids(location: Location) -> list[int]:
    return list(location.runs.values_list("pk", flat=True))


def _publish(location: Location, run_ids: set[int], change: str, now: datetime) -> None:
    """Told to the clients of the runs that it served or serves; to staff alone where there are none."""
    runs = ProductionRun.objects.filter(pk__in=run_ids)
    clients: list[int | None] = list(
        runs.values_list("brand__client", flat=True).distinct().order_by("brand__client")
    )
    clients = clients or [None]
    data = {
        "change": change,
        "name": location.name,
        "kind": location.kind,
        "active_from": location.active_from,
        "active_until": location.active_until,
    }
    facts = [
        NewFact(
            type=FactType.LOCATION_CHANGED,
            subject_id=location.pk,
            client_id=client_id,
            occurred_at=now,
            data=data,
        )
        for client_id in clients
    ]
    publish_all(facts, now=now)
