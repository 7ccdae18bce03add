"""What the database itself says of a location."""

import math

import pytest
from django.contrib.gis.geos import Polygon

from locations.models import Location
from tests.factories import StorageFactory

pytestmark = pytest.mark.django_db


def test_entry_radius_of_a_circle_is_its_radius() -> None:
    location = StorageFactory(radius_m=11)
    assert Location.objects.get().entry_radius_m == 11
    Location.objects.filter(pk=location.pk).update(radius_m=80)
    assert Location.objects.get().entry_radius_m == 80


def test_entry_radius_of_an_area_is_that_of_the_circle_of_its_size() -> None:
    """A degree of the equator is 111.32 km from west to east and 110.57 from south to north."""
    area = Polygon(((179.95, -0.05), (-179.95, -0.05), (-179.95, 0.05), (179.95, 0.05), (179.95, -0.05)))
    StorageFactory(radius_m=11, area=area)
    expected = math.sqrt(11_132 * 11_057 / math.pi)
    assert Location.objects.get().entry_radius_m == pytest.approx(expected, rel=1e-3)
