import json
import time
from io import StringIO

import pytest
from django.core.checks import run_checks
from django.core.management import CommandError, call_command
from structlog.testing import capture_logs

from keys.models import DeviceImport, KeyBatch, KeyPair
from keys.services import rotating, unsealing
from keys.vault import Vault, new_master_key
from tests.factories import KeyBatchFactory, StaffFactory
from tests.keys.device_files import PRIVATE_KEY, PRIVATE_KEY_MAC, counts, go_on, receive

pytestmark = pytest.mark.django_db


@pytest.fixture
def keys(settings) -> tuple[str, str]:
    """The old master key, listed alone, and a new one."""
    old, new = new_master_key(), new_master_key()
    settings.VAULT_MASTER_KEYS = [old]
    return old, new


def key_id(encoded: str) -> str:
    return Vault.from_encoded([encoded]).master_keys[0].key_id.hex()


def unsealed() -> int:
    hashed_keys = list(KeyPair.objects.values_list("hashed_key", flat=True))
    return len(unsealing.unseal_private_keys(hashed_keys=hashed_keys, purpose="test"))


def test_private_keys_open_by_the_new_master_key_alone(keys, generate, settings):
    old, new = keys
    generate()
    ciphertexts = list(KeyPair.objects.order_by("pk").values_list("sealed_private_key", flat=True))
    settings.VAULT_MASTER_KEYS = [new, old]
    rotation = rotating.rotate_master_key(actor=None)
    assert (rotation.data_keys, rotation.resealed, rotation.failed) == (1, 1, 0)
    assert rotation.retired == [key_id(old)]
    settings.VAULT_MASTER_KEYS = [new]
    assert unsealed() == 6
    after = KeyPair.objects.order_by("pk").values_list("sealed_private_key", flat=True)
    assert [bytes(each) for each in after] == [bytes(each) for each in ciphertexts]


def test_private_keys_of_a_waiting_import_open_by_the_new_master_key_alone(keys, settings):
    old, new = keys
    row = {"mac": PRIVATE_KEY_MAC, "serial": "F1", "private_key": PRIVATE_KEY}
    device_import = receive([row])
    settings.VAULT_MASTER_KEYS = [new, old]
    rotation = rotating.rotate_master_key(actor=None)
    assert (rotation.data_keys, rotation.resealed, rotation.retired) == (1, 1, [key_id(old)])
    settings.VAULT_MASTER_KEYS = [new]
    assert counts(go_on(device_import)) == (DeviceImport.State.DONE, 1, 0, 0)
    assert unsealed() == 1


def test_data_key_of_an_import_that_nobody_opens_is_told_by_its_file(keys, settings):
    receive([{"mac": PRIVATE_KEY_MAC, "private_key": PRIVATE_KEY}], file_name="fleet.csv")
    settings.VAULT_MASTER_KEYS = [keys[1]]
    rotation = rotating.rotate_master_key(actor=None)
    assert (rotation.failed, rotation.retired) == (1, [])
    assert rotation.failures[0].startswith("fleet.csv: a data key was sealed by master key")
    [error] = database_errors()
    assert "data keys that it seals: 1" in error.msg


def test_again_there_is_nothing_to_do(keys, generate, settings):
    generate()
    settings.VAULT_MASTER_KEYS = [keys[1], keys[0]]
    rotating.rotate_master_key(actor=None)
    sealed = bytes(KeyBatch.objects.get().sealed_data_key)
    assert rotating.rotate_master_key(actor=None).resealed == 0
    assert bytes(KeyBatch.objects.get().sealed_data_key) == sealed


def test_dry_run_opens_all_and_writes_nothing(keys, generate, settings):
    generate()
    sealed = bytes(KeyBatch.objects.get().sealed_data_key)
    settings.VAULT_MASTER_KEYS = [keys[1], keys[0]]
    rotation = rotating.rotate_master_key(actor=None, dry_run=True)
    assert (rotation.resealed, rotation.retired) == (1, [])
    assert bytes(KeyBatch.objects.get().sealed_data_key) == sealed


def test_data_key_that_nobody_opens_is_told_and_costs_only_itself(keys, generate, settings):
    generate()
    lost = KeyBatchFactory(label="Lost", sealed_data_key=b"lost" + bytes(60))
    settings.VAULT_MASTER_KEYS = [keys[1], keys[0]]
    with capture_logs() as logs:
        rotation = rotating.rotate_master_key(actor=StaffFactory(username="ops"))
    assert (rotation.data_keys, rotation.resealed, rotation.failed) == (2, 1, 1)
    assert rotation.failures[0].startswith("Lost: a data key was sealed by master key 6c6f7374")
    assert bytes(KeyBatch.objects.get(pk=lost.pk).sealed_data_key) == b"lost" + bytes(60)
    assert [line["log_level"] for line in logs] == ["error", "info"]
    assert logs[1]["who"] == "ops"


def test_data_key_that_somebody_resealed_meanwhile_is_left_alone(keys, generate, settings, monkeypatch):
    batch = generate()
    settings.VAULT_MASTER_KEYS = [keys[1], keys[0]]
    store = rotating._store

    def overtaken(owner, resealed):
        monkeypatch.setattr(rotating, "_store", store)
        rotating.rotate_master_key(actor=None)
        overtaken.by = bytes(KeyBatch.objects.get().sealed_data_key)
        store(owner, resealed)

    monkeypatch.setattr(rotating, "_store", overtaken)
    rotating.rotate_master_key(actor=None)
    assert bytes(KeyBatch.objects.get(pk=batch.pk).sealed_data_key) == overtaken.by
    assert unsealed() == 6


def test_ten_thousand_batches_take_seconds(keys, settings, django_assert_max_num_queries):
    """As many as a million key pairs of a hundred each."""
    vault = Vault.from_encoded([keys[0]])
    KeyBatch.objects.bulk_create(
        KeyBatch(label=f"{number}", devices=1, sealed_data_key=vault.new_data_key()[1])
        for number in range(10_000)
    )
    settings.VAULT_MASTER_KEYS = [keys[1], keys[0]]
    begin = time.monotonic()
    with django_assert_max_num_queries(60):
        rotation = rotating.rotate_master_key(actor=None)
    assert rotation.resealed == 10_000
    assert time.monotonic() - begin < 20
    assert rotating.stored_key_ids() == {bytes.fromhex(key_id(keys[1])): 10_000}


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("rotate_vault_key", *arguments, stdout=out)
    return out.getvalue()


def test_command_says_which_key_may_go(keys, generate, settings):
    old, new = keys
    generate()
    settings.VAULT_MASTER_KEYS = [new, old]
    assert run("--dry-run").startswith("1 of 1 data keys would be sealed")
    out = run()
    assert out.startswith("1 of 1 data keys sealed by the first master key.")
    assert key_id(old) in out
    assert "remove the old keys" in out
    assert old not in out
    assert json.loads(run("--json"))["resealed"] == 0


def test_command_warns_to_keep_the_old_keys_after_a_failure(keys, generate, settings):
    generate()
    settings.VAULT_MASTER_KEYS = [keys[1]]
    out, err = StringIO(), StringIO()
    with pytest.raises(SystemExit) as end:
        call_command("rotate_vault_key", stdout=out, stderr=err)
    assert end.value.code == 1
    assert "remove" not in out.getvalue()
    assert key_id(keys[0]) in err.getvalue()
    assert "Keep every old master key" in err.getvalue()


def test_command_without_a_master_key_says_so(settings):
    settings.VAULT_MASTER_KEYS = []
    with pytest.raises(CommandError, match="no master key is configured"):
        run()


def database_errors() -> list:
    return [message for message in run_checks(databases=["default"]) if message.id == "keys.E002"]


def test_check_names_the_master_key_that_is_missing(keys, generate, settings):
    old, new = keys
    generate()
    generate(label="Second")
    assert database_errors() == []
    settings.VAULT_MASTER_KEYS = [new]
    [error] = database_errors()
    assert key_id(old) in error.msg
    assert "data keys that it seals: 2" in error.msg
    assert "after the first one" in error.hint
    settings.VAULT_MASTER_KEYS = [new, old]
    assert database_errors() == []


@pytest.mark.parametrize("model", [KeyBatch, DeviceImport])
def test_check_waits_for_the_tables(keys, generate, settings, monkeypatch, model):
    generate()
    settings.VAULT_MASTER_KEYS = [keys[1]]
    monkeypatch.setattr(model._meta, "db_table", "not_there_yet")
    assert database_errors() == []
