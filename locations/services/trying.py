"""A location with another radius for a moment: for questions about it that only the database can answer."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import transaction

from locations.models import Location


@contextmanager
def with_radius(*, location_id: int, radius_m: float) -> Iterator[None]:
    """Within it the location has this radius, in a transaction that is undone at the end with all that was written."""
    with transaction.atomic():
        Location.objects.filter(pk=location_id).update(radius_m=radius_m)
        yield
        transaction.set_rollback(True)
