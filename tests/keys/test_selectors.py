import base64

import pytest

from keys import selectors
from keys.models import KeyPair
from keys.selectors import UnknownBatchError
from simulation.devices import stock_devices
from tests.factories import NOW, KeyBatchFactory, ManufacturerFactory, StaffFactory, UserFactory

pytestmark = pytest.mark.django_db


def test_public_keys_come_by_tracker_in_rotation_order(generate, django_assert_num_queries):
    batch = generate(devices=2, keys_per_device=3)
    trackers = stock_devices(batch=batch, serials={0: None, 1: None}, now=NOW)
    ids = [tracker.pk for tracker in trackers]
    with django_assert_num_queries(1):
        keys = selectors.public_keys_of(tracker_ids=[*ids, 0])
    assert keys.keys() == set(ids)
    for tracker in trackers:
        pairs = KeyPair.objects.filter(tracker=tracker).order_by("key_index")
        assert [key.hashed_key for key in keys[tracker.pk]] == [pair.hashed_key for pair in pairs]
        assert keys[tracker.pk][0].encoded_key == base64.b64encode(pairs[0].advertisement_key).decode()


def test_advertisement_keys_are_those_of_a_range_of_devices_in_rotation_order(generate):
    batch = generate(devices=4, keys_per_device=3)
    generate(label="Another", devices=4, keys_per_device=3)
    found = list(selectors.advertisement_keys(batch_id=batch.pk, first=1, last=3))
    assert [index for index, _ in found] == [1, 2]
    for index, keys in found:
        pairs = KeyPair.objects.filter(batch=batch, device_index=index).order_by("key_index")
        assert keys == tuple(bytes(pair.advertisement_key) for pair in pairs)


@pytest.fixture
def alpha():
    return ManufacturerFactory(users=[UserFactory()])


def test_a_batch_is_found_by_its_label_for_its_manufacturer_alone(alpha):
    batch = KeyBatchFactory(label="May", manufacturer=alpha)
    assert selectors.batch_called("", manufacturer=None) is None
    assert selectors.batch_called("May", manufacturer=None) == batch
    assert selectors.batch_called("May", manufacturer=alpha) == batch
    for label, manufacturer in (("may", None), ("May", ManufacturerFactory())):
        with pytest.raises(UnknownBatchError):
            selectors.batch_called(label, manufacturer=manufacturer)


def test_who_works_for_several_manufacturers_names_a_batch_of_one(alpha):
    user = alpha.users.get()
    assert selectors.manufacturer_of(user, batch_label="") == alpha
    beta = ManufacturerFactory(users=[user])
    KeyBatchFactory(label="June", manufacturer=beta)
    KeyBatchFactory(label="July", manufacturer=ManufacturerFactory())
    assert selectors.manufacturer_of(user, batch_label="June") == beta
    for label in ("", "July", "nothing"):
        with pytest.raises(UnknownBatchError):
            selectors.manufacturer_of(user, batch_label=label)
    assert selectors.manufacturer_of(UserFactory(), batch_label="June") is None


def test_ops_and_those_who_work_for_a_manufacturer_send_devices(alpha):
    assert selectors.sends_devices(StaffFactory())
    assert selectors.sends_devices(alpha.users.get())
    assert not selectors.sends_devices(UserFactory())
    assert selectors.works_for_a_manufacturer(alpha.users.get())
    assert not selectors.works_for_a_manufacturer(StaffFactory())
