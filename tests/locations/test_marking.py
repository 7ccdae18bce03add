"""Whatever changes what is told of a location marks it as changed, for the clients concerned, and for staff always."""

import pytest

from clients.models import ProductionRun
from locations.services import locations
from tests.factories import AMSTERDAM, DeliveryFactory, RunFactory
from tests.outbox.marks import marked_by

pytestmark = pytest.mark.django_db


def marks(work):
    return marked_by("location", work)


@pytest.fixture
def runs():
    return [RunFactory(), RunFactory()]


def clients(runs):
    return [run.brand.client_id for run in runs]


def test_location_is_added_changed_and_deleted(runs):
    first, second = clients(runs)
    made = []

    def add():
        made.append(
            locations.add_location(actor=None, name="Depot", kind="STORAGE", center=AMSTERDAM, runs=runs)
        )

    told = marks(add)
    pk = made[0].pk
    assert told == {(pk, 0), (pk, first), (pk, second)}
    assert marks(lambda: locations.change_location(location=made[0], actor=None, radius_m=300)) == told
    assert marks(lambda: locations.delete_location(location=made[0], actor=None)) == told


def test_run_that_begins_or_ceases_to_use_it_tells_its_own_client(runs):
    first, second = clients(runs)
    location = DeliveryFactory(runs=[runs[0]])
    assert marks(lambda: location.runs.add(runs[1])) == {(location.pk, 0), (location.pk, second)}
    assert marks(lambda: location.runs.remove(runs[0])) == {(location.pk, 0), (location.pk, first)}


def test_name_of_a_run_is_told_to_its_client(runs):
    location = DeliveryFactory(runs=runs)
    renamed = ProductionRun.objects.filter(pk=runs[0].pk)
    assert marks(lambda: renamed.update(name="Another")) == {(location.pk, clients(runs)[0])}
