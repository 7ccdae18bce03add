from datetime import UTC, datetime

import pytest
from django.db import IntegrityError, transaction

from tests.factories import NOW, TrackerFactory
from trackers.models import Tracker
from trackers.services import registering
from trackers.services.registering import NewTracker, TrackerTakenError

pytestmark = pytest.mark.django_db

MADE_AT = datetime(2026, 5, 4, 3, 2, 1, tzinfo=UTC)
FIRST, SECOND, THIRD = "02:00:00:00:00:0C", "02:00:00:00:00:0A", "02:00:00:00:00:0B"


def register(*devices):
    return registering.register_trackers(devices=devices, now=NOW)


def test_trackers_are_made_with_all_that_is_known_of_them():
    ids = register(
        NewTracker(FIRST, "S-1", "1.2", "B", MADE_AT),
        NewTracker(SECOND, state=Tracker.State.ACTIVE),
    )
    first, second = Tracker.objects.get(pk=ids[FIRST]), Tracker.objects.get(pk=ids[SECOND])
    assert (first.mac, first.serial, first.firmware, first.hardware_revision) == (FIRST, "S-1", "1.2", "B")
    assert (first.manufactured_at, first.created_at, first.verified_at) == (MADE_AT, NOW, NOW)
    assert (first.state, first.status, first.battery) == ("IN_STOCK", "CREATED", "")
    assert (second.serial, second.firmware, second.manufactured_at, second.state) == (
        None,
        "",
        None,
        "ACTIVE",
    )


def test_ids_rise_in_the_order_given():
    ids = register(*map(NewTracker, (FIRST, SECOND, THIRD)))
    assert list(ids) == [FIRST, SECOND, THIRD]
    assert list(ids.values()) == sorted(ids.values())


def test_any_number_of_trackers_is_one_statement(django_assert_max_num_queries):
    macs = [f"02:00:00:00:{number // 256:02X}:{number % 256:02X}" for number in range(600)]
    with django_assert_max_num_queries(3):
        assert len(register(*map(NewTracker, macs))) == 600


def test_none_is_registered_if_one_is_there_already():
    TrackerFactory(mac=SECOND)
    TrackerFactory(mac=THIRD, serial="S-3")
    with pytest.raises(TrackerTakenError, match=f"{SECOND}, S-3. Leave"):
        register(NewTracker(FIRST, "S-3"), NewTracker(SECOND), NewTracker("02:00:00:00:00:0D"))
    assert set(Tracker.objects.values_list("mac", flat=True)) == {SECOND, THIRD}


@pytest.mark.parametrize(
    ("devices", "named"),
    [
        ([NewTracker(FIRST), NewTracker(FIRST)], FIRST),
        ([NewTracker(FIRST, "S-1"), NewTracker(SECOND, "S-1")], "S-1"),
    ],
)
def test_what_is_given_to_two_devices_is_refused(devices, named):
    with pytest.raises(TrackerTakenError, match=f"two devices: {named}"):
        register(*devices)
    assert not Tracker.objects.exists()


def test_a_mac_in_another_notation_is_refused_by_the_database():
    with pytest.raises(IntegrityError, match="tracker_mac_normalised"), transaction.atomic():
        register(NewTracker("020000000000"))


@pytest.mark.parametrize("mac", ["00:00:00:00:00:00", "FF:FF:FF:FF:FF:FF"])
def test_the_address_of_no_device_is_refused_by_the_database(mac):
    with pytest.raises(IntegrityError, match="tracker_mac_is_that_of_a_device"), transaction.atomic():
        register(NewTracker(mac))


def test_no_trackers_are_no_error():
    assert register() == {}
