import pytest
from django.db import IntegrityError, transaction

from keys.models import KeyBatch, KeyPair
from tests.factories import KeyBatchFactory, KeyPairFactory

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("fields", "constraint"),
    [
        ({"devices": 0, "generated_devices": 0}, "key_batch_has_devices"),
        ({"keys_per_device": 0}, "key_batch_keys_per_device_1_to_50"),
        ({"keys_per_device": 51}, "key_batch_keys_per_device_1_to_50"),
        ({"generated_devices": 2, "state": "GENERATING"}, "key_batch_progress_within_devices"),
        ({"generated_devices": 0}, "key_batch_generated_is_complete"),
    ],
)
def test_impossible_batches_are_refused_by_the_database(fields, constraint):
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        KeyBatchFactory(**fields)
    assert not KeyBatch.objects.exists()


@pytest.mark.parametrize(
    ("fields", "constraint"),
    [
        ({"advertisement_key": bytes(27)}, "key_pair_advertisement_key_28_bytes"),
        ({"hashed_key": "A" * 44}, "key_pair_hash_is_of_its_key"),
        ({"key_index": 50}, "key_pair_key_index_below_50"),
    ],
)
def test_impossible_key_pairs_are_refused_by_the_database(fields, constraint):
    with pytest.raises(IntegrityError, match=constraint):
        KeyPairFactory(**fields)


@pytest.mark.parametrize("field", ["advertisement_key", "hashed_key", "mac"])
def test_no_two_devices_share_a_key_its_hash_or_its_mac(field):
    one, other = KeyPairFactory(), KeyPairFactory()
    columns = {field} if field == "mac" else {"advertisement_key", "hashed_key"}
    with pytest.raises(IntegrityError, match="unique"):
        KeyPair.objects.filter(pk=other.pk).update(**{name: getattr(one, name) for name in columns})


def test_position_is_taken_once_per_batch():
    pair = KeyPairFactory()
    with pytest.raises(IntegrityError, match="key_pair_position_once_per_batch"):
        KeyPairFactory(batch=pair.batch, device_index=pair.device_index)


def test_trackers_have_no_way_to_their_key_pairs():
    tracker_field = KeyPair._meta.get_field("tracker")
    assert tracker_field.remote_field.hidden
