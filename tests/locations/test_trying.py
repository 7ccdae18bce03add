"""A location has another radius within the trial, and nothing of it remains."""

import pytest

from locations.models import Location
from locations.services import trying
from tests.factories import StorageFactory

pytestmark = pytest.mark.django_db


def test_radius_is_another_one_for_a_moment_only():
    depot, other = StorageFactory(radius_m=100), StorageFactory(radius_m=100)
    fence = Location.objects.get(pk=depot.pk).fence
    with trying.with_radius(location_id=depot.pk, radius_m=900):
        tried = Location.objects.get(pk=depot.pk)
        assert tried.radius_m == 900
        assert tried.fence != fence
        assert Location.objects.get(pk=other.pk).radius_m == 100
        Location.objects.filter(pk=other.pk).update(name="Written meanwhile")
    depot.refresh_from_db()
    assert (depot.radius_m, depot.fence) == (100, fence)
    assert Location.objects.filter(name="Written meanwhile").count() == 0


def test_radius_is_as_before_after_an_error():
    depot = StorageFactory(radius_m=100)
    with pytest.raises(LookupError), trying.with_radius(location_id=depot.pk, radius_m=900):
        raise LookupError
    assert Location.objects.get(pk=depot.pk).radius_m == 100
