import pytest

from keys.models import KeyPair
from keys.services import generating, registering
from tests.factories import NOW, TrackerFactory
from trackers.models import Tracker

pytestmark = pytest.mark.django_db


def test_registered_devices_are_trackers_in_stock_with_their_keys(generate, django_assert_max_num_queries):
    batch = generate(devices=3, keys_per_device=2)
    with django_assert_max_num_queries(10):
        trackers = registering.register_devices(batch=batch, serials={2: "C", 0: "A"}, now=NOW)
    assert [(tracker.serial, tracker.state) for tracker in trackers] == [
        ("A", Tracker.State.IN_STOCK),
        ("C", Tracker.State.IN_STOCK),
    ]
    for tracker, device in zip(trackers, (0, 2), strict=True):
        pairs = KeyPair.objects.filter(tracker=tracker).order_by("key_index")
        assert [(pair.device_index, pair.key_index) for pair in pairs] == [(device, 0), (device, 1)]
        assert tracker.mac == pairs[0].mac
    assert KeyPair.objects.filter(tracker=None).count() == 2


def test_device_is_registered_once(generate):
    batch = generate()
    registering.register_devices(batch=batch, serials={0: None, 1: None}, now=NOW)
    with pytest.raises(registering.DeviceNotRegistrableError, match="no device 1"):
        registering.register_devices(batch=batch, serials={1: None, 2: None}, now=NOW)
    assert Tracker.objects.count() == 2


@pytest.mark.parametrize("serials", [{0: "TAKEN"}, {0: "X", 1: "X"}, {7: "Y"}])
def test_unregistrable_devices_change_nothing(generate, serials):
    TrackerFactory(serial="TAKEN")
    batch = generate()
    with pytest.raises(registering.DeviceNotRegistrableError):
        registering.register_devices(batch=batch, serials=serials, now=NOW)
    assert Tracker.objects.count() == 1
    assert not KeyPair.objects.exclude(tracker=None).exists()


def test_devices_of_an_unfinished_batch_are_not_registered(settings):
    batch = generating.create_batch(label="Queued", devices=1, keys_per_device=1, actor=None, now=NOW)
    with pytest.raises(registering.BatchNotGeneratedError):
        registering.register_devices(batch=batch, serials={0: None}, now=NOW)
