import base64

import pytest

from keys import selectors
from keys.models import KeyPair
from simulation.devices import stock_devices
from tests.factories import NOW

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
