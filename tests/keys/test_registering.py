"""Devices of a key batch on their way into stock, by the only way there is."""

import pytest

from keys.models import DeviceImportRow, KeyPair
from keys.services import generating
from simulation.devices import stock_devices
from tests.factories import NOW, TrackerFactory
from trackers.models import Tracker

pytestmark = pytest.mark.django_db


def reasons():
    rows = DeviceImportRow.objects.filter(outcome="REJECTED").order_by("number")
    return [problem["code"] for row in rows for problem in row.problems]


def test_registered_devices_are_trackers_in_stock_with_their_keys(generate):
    batch = generate(devices=3, keys_per_device=2)
    trackers = stock_devices(batch=batch, serials={2: "C", 0: "A"}, now=NOW)
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
    stock_devices(batch=batch, serials={0: None, 1: None}, now=NOW)
    with pytest.raises(ValueError, match="1 of 2 devices"):
        stock_devices(batch=batch, serials={1: None, 2: None}, now=NOW)
    assert Tracker.objects.count() == 3
    assert KeyPair.objects.exclude(tracker=None).values("device_index").distinct().count() == 3


@pytest.mark.parametrize(
    ("serials", "reason"),
    [({0: "TAKEN"}, ["serial_taken"]), ({0: "X", 1: "X"}, ["duplicate_serial", "duplicate_serial"])],
)
def test_unregistrable_devices_change_nothing(generate, serials, reason):
    TrackerFactory(serial="TAKEN")
    batch = generate()
    with pytest.raises(ValueError, match="0 of"):
        stock_devices(batch=batch, serials=serials, now=NOW)
    assert reasons() == reason
    assert Tracker.objects.count() == 1
    assert not KeyPair.objects.exclude(tracker=None).exists()


def test_devices_of_an_unfinished_batch_are_not_registered(monkeypatch):
    monkeypatch.setattr(generating, "KEYS_PER_TRANSACTION", 1)
    batch = generating.create_batch(label="Half", devices=2, keys_per_device=1, actor=None, now=NOW)
    generating.continue_batch(batch=batch, now=NOW)
    with pytest.raises(ValueError, match="0 of 1"):
        stock_devices(batch=batch, serials={0: None}, now=NOW)
    assert reasons() == ["batch_not_generated"]
    assert not Tracker.objects.exists()
