import itertools
from datetime import timedelta

import psycopg
import pytest
from django.db import connection

from keys import advertisement
from keys.models import KeyBatch, KeyPair
from keys.services import generating
from keys.vault import MissingMasterKeyError
from tests.factories import NOW, ManufacturerFactory, StaffFactory, TrackerFactory

pytestmark = pytest.mark.django_db


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
    monkeypatch.setattr(generating, "KEYS_PER_TRANSACTION", 7)
    batch = generate(devices=10, keys_per_device=3)
    assert positions(batch) == [(device, key) for device in range(10) for key in range(3)]


def test_killed_generation_resumes_without_gap_or_double(generate, monkeypatch):
    monkeypatch.setattr(generating, "KEYS_PER_TRANSACTION", 4)
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
    with pytest.raises(generating.InvalidBatchError):
        generate(devices=devices, keys_per_device=keys_per_device)


def test_label_is_taken_once(generate):
    generate()
    with pytest.raises(generating.InvalidBatchError, match="another label"):
        generate()


def test_batch_without_master_key_is_not_made(generate, settings):
    settings.VAULT_MASTER_KEYS = []
    with pytest.raises(MissingMasterKeyError):
        generate()
    assert not KeyBatch.objects.exists()


def test_batch_says_what_it_is_for(db):
    manufacturer = ManufacturerFactory()
    batch = generating.create_batch(
        label=" Spring ",
        devices=2,
        keys_per_device=1,
        actor=None,
        now=NOW,
        note="second try",
        manufacturer=manufacturer,
    )
    assert (batch.label, batch.note, batch.manufacturer) == ("Spring", "second try", manufacturer)


@pytest.mark.parametrize("label", ["", "  ", "two\nlines", "x" * 101])
def test_label_is_one_line(label):
    with pytest.raises(generating.InvalidBatchError, match="one line"):
        generating.create_batch(label=label, devices=1, keys_per_device=1, actor=None, now=NOW)


def test_batch_of_too_many_keys_is_refused_with_its_size(generate):
    with pytest.raises(generating.InvalidBatchError, match="5,000,050 keys; a batch has at most 5,000,000"):
        generate(devices=100_001, keys_per_device=50)


@pytest.fixture
def halfway(monkeypatch) -> KeyBatch:
    """Four of ten devices have their keys."""
    monkeypatch.setattr(generating, "KEYS_PER_TRANSACTION", 4)
    batch = generating.create_batch(label="Half", devices=10, keys_per_device=1, actor=None, now=NOW)
    assert generating.continue_batch(batch=batch, now=NOW)
    return batch


def test_cancelled_batch_keeps_its_keys_and_gets_no_more(halfway):
    actor = StaffFactory()
    batch = generating.cancel_batch(batch=halfway, actor=actor)
    assert (batch.state, batch.generated_devices) == (KeyBatch.State.CANCELLED, 4)
    assert generating.continue_batch(batch=batch, now=NOW) is False
    assert len(positions(batch)) == 4
    assert batch.audit.latest("pgh_id").pgh_context["user"] == actor.pk


def test_resumed_batch_goes_on_where_it_stopped(halfway):
    generating.cancel_batch(batch=halfway, actor=None)
    batch = generating.resume_batch(batch=halfway, actor=None)
    while generating.continue_batch(batch=batch, now=NOW):
        pass
    batch.refresh_from_db()
    assert batch.state == KeyBatch.State.GENERATED
    assert positions(batch) == [(device, 0) for device in range(10)]


def test_only_what_goes_on_is_cancelled_and_only_what_was_cancelled_is_resumed(generate, halfway):
    done = generate()
    with pytest.raises(generating.BatchNotCancellableError, match="Batch is generated"):
        generating.cancel_batch(batch=done, actor=None)
    for batch in (done, halfway):
        with pytest.raises(generating.BatchNotResumableError):
            generating.resume_batch(batch=batch, actor=None)


def connection_parameters() -> dict[str, str]:
    parameters = connection.get_connection_params()
    return {name: parameters[name] for name in ("dbname", "user", "host", "port") if parameters.get(name)}


def ticking(step_s: float):
    """A clock that moves on by so much whenever it is asked."""
    seconds = itertools.count()
    return lambda: NOW + timedelta(seconds=step_s * next(seconds))


def test_draining_finishes_what_waits_oldest_first(halfway):
    second = generating.create_batch(label="Second", devices=1, keys_per_device=1, actor=None, now=NOW)
    assert generating.drain_batches(clock=ticking(0.001), time_budget_s=60) is False
    assert not KeyBatch.objects.unfinished().exists()
    halfway.refresh_from_db()
    second.refresh_from_db()
    assert halfway.generated_at < second.generated_at


def test_draining_ends_when_its_time_is_over_and_says_that_more_waits(halfway):
    assert generating.drain_batches(clock=ticking(1), time_budget_s=3) is True
    halfway.refresh_from_db()
    assert halfway.state == KeyBatch.State.GENERATING


def test_one_process_at_a_time_drains(halfway):
    with psycopg.connect(**connection_parameters()) as other:
        other.execute("SELECT pg_advisory_lock(%s)", [generating.DRAINER_LOCK])
        assert generating.drain_batches(clock=ticking(0.001), time_budget_s=60) is False
        assert KeyBatch.objects.unfinished().exists()
        other.execute("SELECT pg_advisory_unlock(%s)", [generating.DRAINER_LOCK])
    assert generating.drain_batches(clock=ticking(0.001), time_budget_s=60) is False
    assert not KeyBatch.objects.unfinished().exists()
