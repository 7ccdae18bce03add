import base64
import logging

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from structlog.testing import capture_logs

from keys import advertisement, selectors
from keys.models import KeyBatch, KeyPair
from keys.services import generating, registering, unsealing
from keys.vault import MissingMasterKey, UnknownMasterKey, new_master_key
from tests.factories import NOW, StaffFactory, TrackerFactory
from trackers.models import Tracker

pytestmark = pytest.mark.django_db


@pytest.fixture
def generate():
    def generate_batch(label="Batch", devices=3, keys_per_device=2, actor=None):
        return generating.generate_batch(
            label=label, devices=devices, keys_per_device=keys_per_device, actor=actor, now=NOW
        )

    return generate_batch


def positions(batch):
    return list(
        KeyPair.objects.filter(batch=batch)
        .order_by("device_index", "key_index")
        .values_list("device_index", "key_index")
    )


class Kill(Exception):
    pass


def test_generated_batch_has_every_position_once_and_consistent_public_values(generate):
    user = StaffFactory()
    batch = generate(actor=user)
    assert batch.state == KeyBatch.State.GENERATED
    assert (batch.generated_devices, batch.created_by, batch.generated_at) == (3, user, NOW)
    assert positions(batch) == [(device, key) for device in range(3) for key in range(2)]
    for pair in KeyPair.objects.all():
        advertisement_key = bytes(pair.advertisement_key)
        advertisement.load_public_key(advertisement_key)
        assert advertisement_key[0] != 0
        assert pair.hashed_key == advertisement.hashed_key(advertisement_key)
        assert pair.mac == advertisement.mac_address(advertisement_key)
        assert pair.tracker_id is None


def test_generation_works_in_chunks_of_whole_devices(generate, monkeypatch):
    monkeypatch.setattr(generating, "KEYS_PER_CHUNK", 7)
    batch = generate(devices=10, keys_per_device=3)
    assert positions(batch) == [(device, key) for device in range(10) for key in range(3)]


def test_killed_generation_resumes_without_gap_or_double(generate, monkeypatch):
    monkeypatch.setattr(generating, "KEYS_PER_CHUNK", 4)
    copy_rows, calls = generating.bulk.copy_rows, []

    def dies_at_the_third(*arguments):
        calls.append(arguments)
        copy_rows(*arguments)
        if len(calls) == 3:
            raise Kill

    monkeypatch.setattr(generating.bulk, "copy_rows", dies_at_the_third)
    with pytest.raises(Kill):
        generate(devices=9, keys_per_device=2)
    batch = KeyBatch.objects.get()
    assert (batch.state, batch.generated_devices) == (KeyBatch.State.GENERATING, 4)
    assert len(positions(batch)) == 8
    while generating.continue_batch(batch=batch, now=NOW):
        pass
    batch.refresh_from_db()
    assert batch.state == KeyBatch.State.GENERATED
    assert positions(batch) == [(device, key) for device in range(9) for key in range(2)]


@pytest.mark.parametrize("state", [KeyBatch.State.GENERATED, KeyBatch.State.CANCELLED])
def test_finished_batch_is_left_alone(generate, state):
    batch = generate()
    KeyBatch.objects.update(state=state)
    assert generating.continue_batch(batch=batch, now=NOW) is False
    assert len(positions(batch)) == 6


def test_key_pairs_with_a_taken_mac_are_drawn_again(generate, monkeypatch):
    taken = advertisement.generate_key_pair()
    twice = advertisement.generate_key_pair()
    tracked = advertisement.generate_key_pair()
    fresh = advertisement.generate_key_pair()
    TrackerFactory(mac=tracked.mac)
    draws = iter([taken])
    monkeypatch.setattr(generating.advertisement, "generate_key_pair", lambda: next(draws))
    generate(label="First", devices=1, keys_per_device=1)
    draws = iter([taken, twice, tracked, twice, fresh])
    generate(label="Second", devices=2, keys_per_device=1)
    assert set(KeyPair.objects.values_list("mac", flat=True)) == {taken.mac, twice.mac, fresh.mac}
    assert list(draws) == []


def test_mac_taken_by_another_batch_meanwhile_costs_one_more_attempt(generate, monkeypatch):
    taken, fresh = advertisement.generate_key_pair(), advertisement.generate_key_pair()
    draws = iter([taken, taken, fresh])
    monkeypatch.setattr(generating.advertisement, "generate_key_pair", lambda: next(draws))
    generate(label="First", devices=1, keys_per_device=1)
    answers = iter([set(), set()])
    monkeypatch.setattr(generating, "_taken_macs", lambda macs: next(answers))
    batch = generate(label="Second", devices=1, keys_per_device=1)
    assert KeyPair.objects.get(batch=batch).mac == fresh.mac


@pytest.mark.parametrize(
    ("devices", "keys_per_device"), [(0, 1), (1, 0), (1, 51)], ids=["no device", "no key", "too many keys"]
)
def test_impossible_batch_is_refused(generate, devices, keys_per_device):
    with pytest.raises(generating.InvalidBatch):
        generate(devices=devices, keys_per_device=keys_per_device)


def test_label_is_taken_once(generate):
    generate()
    with pytest.raises(generating.InvalidBatch, match="another label"):
        generate()


def test_batch_without_master_key_is_not_made(generate, settings):
    settings.VAULT_MASTER_KEYS = []
    with pytest.raises(MissingMasterKey):
        generate()
    assert not KeyBatch.objects.exists()


def test_unsealed_private_keys_are_those_of_the_advertised_keys(generate, django_assert_num_queries):
    generate()
    generate(label="Other")
    pairs = {pair.hashed_key: bytes(pair.advertisement_key) for pair in KeyPair.objects.all()}
    with django_assert_num_queries(1):
        keys = unsealing.unseal_private_keys(hashed_keys=[*pairs, "unknown"], purpose="test")
    assert keys.keys() == pairs.keys()
    for hashed_key, private_key in keys.items():
        assert isinstance(private_key, ec.EllipticCurvePrivateKey)
        x = private_key.public_key().public_numbers().x
        assert x.to_bytes(28, "big") == pairs[hashed_key]


def test_unsealing_is_logged_with_who_what_for_and_how_many(generate):
    generate()
    user = StaffFactory(username="ops")
    hashed_keys = list(KeyPair.objects.values_list("hashed_key", flat=True))
    with capture_logs() as logs:
        unsealing.unseal_private_keys(hashed_keys=hashed_keys, purpose="audit", actor=user)
        unsealing.unseal_private_keys(hashed_keys=hashed_keys[:2], purpose="fetch")
    assert [(line["who"], line["purpose"], line["unsealed"]) for line in logs] == [
        ("ops", "audit", 6),
        ("system", "fetch", 2),
    ]
    assert {line["event"] for line in logs} == {"private_keys_unsealed"}


def test_ciphertext_moved_to_another_key_is_refused_and_costs_only_itself(generate):
    generate()
    one, other, *_ = KeyPair.objects.order_by("pk")
    KeyPair.objects.filter(pk=one.pk).update(sealed_private_key=other.sealed_private_key)
    with capture_logs() as logs:
        keys = unsealing.unseal_private_keys(hashed_keys=[one.hashed_key, other.hashed_key], purpose="test")
    assert keys.keys() == {other.hashed_key}
    [error] = [line for line in logs if line["log_level"] == "error"]
    assert (error["event"], error["hashed_key"]) == ("private_key_tampered", one.hashed_key)


def test_wrong_master_key_is_loud(generate, settings):
    generate()
    settings.VAULT_MASTER_KEYS = [new_master_key()]
    with pytest.raises(UnknownMasterKey):
        unsealing.unseal_private_keys(
            hashed_keys=list(KeyPair.objects.values_list("hashed_key", flat=True)), purpose="test"
        )


def test_no_secret_is_stored_in_clear_or_logged(generate, monkeypatch, caplog):
    drawn = []
    generate_key_pair = generating.advertisement.generate_key_pair

    def remember():
        drawn.append(generate_key_pair())
        return drawn[-1]

    monkeypatch.setattr(generating.advertisement, "generate_key_pair", remember)
    with caplog.at_level(logging.DEBUG):
        batch = generate()
        hashed_keys = list(KeyPair.objects.values_list("hashed_key", flat=True))
        keys = unsealing.unseal_private_keys(hashed_keys=hashed_keys, purpose="test")
    stored = b"".join(
        bytes(value) if isinstance(value, memoryview) else str(value).encode()
        for row in [*KeyPair.objects.values_list(), *KeyBatch.objects.values_list()]
        for value in row
    )
    shown = f"{caplog.text} {batch!r} {keys!r} {drawn!r} {list(KeyPair.objects.all())!r}"
    assert len(drawn) == 6
    for pair in drawn:
        encoded = base64.b64encode(pair.private_key).decode()
        scalar = str(int.from_bytes(pair.private_key, "big"))
        assert pair.private_key not in stored
        for form in (encoded, pair.private_key.hex(), scalar):
            assert form not in shown
            assert form.encode() not in stored


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
    with pytest.raises(registering.DeviceNotRegistrable, match="no device 1"):
        registering.register_devices(batch=batch, serials={1: None, 2: None}, now=NOW)
    assert Tracker.objects.count() == 2


@pytest.mark.parametrize("serials", [{0: "TAKEN"}, {0: "X", 1: "X"}, {7: "Y"}])
def test_unregistrable_devices_change_nothing(generate, serials):
    TrackerFactory(serial="TAKEN")
    batch = generate()
    with pytest.raises(registering.DeviceNotRegistrable):
        registering.register_devices(batch=batch, serials=serials, now=NOW)
    assert Tracker.objects.count() == 1
    assert not KeyPair.objects.exclude(tracker=None).exists()


def test_devices_of_an_unfinished_batch_are_not_registered(settings):
    batch = generating.create_batch(label="Queued", devices=1, keys_per_device=1, actor=None, now=NOW)
    with pytest.raises(registering.BatchNotGenerated):
        registering.register_devices(batch=batch, serials={0: None}, now=NOW)


def test_public_keys_come_by_tracker_in_rotation_order(generate, django_assert_num_queries):
    batch = generate(devices=2, keys_per_device=3)
    trackers = registering.register_devices(batch=batch, serials={0: None, 1: None}, now=NOW)
    ids = [tracker.pk for tracker in trackers]
    with django_assert_num_queries(1):
        keys = selectors.public_keys_of(tracker_ids=[*ids, 0])
    assert keys.keys() == set(ids)
    for tracker in trackers:
        pairs = KeyPair.objects.filter(tracker=tracker).order_by("key_index")
        assert [key.hashed_key for key in keys[tracker.pk]] == [pair.hashed_key for pair in pairs]
        assert keys[tracker.pk][0].encoded_key == base64.b64encode(pairs[0].advertisement_key).decode()
