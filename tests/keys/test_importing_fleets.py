"""A fleet that exists already brings its own private keys: sealed at once, and told nowhere."""

import base64
import io
import logging

import pytest
from django.core import serializers
from django.core.management import call_command
from django.db import connection

from keys import advertisement, selectors
from keys.imports import rejects
from keys.models import DeviceImport, DeviceImportRow, KeyBatch, KeyPair
from keys.services import importing, staging, unsealing
from keys.vault import new_master_key
from tests.factories import NOW, RunFactory
from tests.keys.device_files import (
    PRIVATE_KEY,
    PRIVATE_KEY_MAC,
    as_csv,
    counts,
    generate,
    go_on,
    import_file,
    receive,
)
from trackers.models import Tracker

pytestmark = pytest.mark.django_db

State = DeviceImport.State
SECRET = base64.b64decode(PRIVATE_KEY)


def fleet(devices):
    pairs = [advertisement.generate_key_pair() for _ in range(devices)]
    return [
        {"mac": pair.mac, "serial": f"F{n}", "private_key": base64.b64encode(pair.private_key).decode()}
        for n, pair in enumerate(pairs)
    ]


def device(**cells):
    return {"mac": PRIVATE_KEY_MAC, "serial": "F1", "key": "", "private_key": PRIVATE_KEY} | cells


def whole_database():
    """Every value of every table, as text."""
    with connection.cursor() as cursor:
        tables = connection.introspection.table_names(cursor)
        text = ""
        for table in tables:
            cursor.execute(f'SELECT row_to_json(t)::text FROM "{table}" AS t')  # noqa: S608
            text += "\n".join(row for (row,) in cursor.fetchall())
    return text


def forms_of(secret):
    encoded = base64.b64encode(secret).decode()
    return (secret.hex(), secret.hex().upper(), encoded, encoded.translate({43: "-", 47: "_"}), repr(secret))


def test_fleet_gets_a_batch_of_its_own_and_its_keys_open_reports():
    done = import_file(fleet(3), file_name="old fleet.csv")
    assert counts(done) == (State.DONE, 3, 0, 0)
    batch = KeyBatch.objects.get()
    assert done.batch == batch
    assert (batch.label, batch.state, batch.devices) == ("old fleet", KeyBatch.State.GENERATED, 3)
    assert list(KeyPair.objects.order_by("device_index").values_list("device_index", flat=True)) == [0, 1, 2]
    hashes = list(KeyPair.objects.values_list("hashed_key", flat=True))
    opened = unsealing.unseal_private_keys(hashed_keys=hashes, purpose="test")
    assert len(opened) == 3


def test_fleet_in_chunks_is_one_batch(monkeypatch):
    monkeypatch.setattr(importing, "DEVICES_PER_IMPORT", 2)
    done = import_file(fleet(5))
    batch = KeyBatch.objects.get()
    assert (done.imported, batch.devices, batch.generated_devices) == (5, 5, 5)
    assert list(KeyPair.objects.order_by("device_index").values_list("device_index", flat=True)) == [
        *range(5)
    ]


def test_fleet_twice_changes_nothing():
    rows = fleet(3)
    import_file(rows)
    assert counts(import_file(rows)) == (State.DONE, 0, 3, 0)
    assert KeyBatch.objects.count() == 1


def test_two_fleets_of_one_name_are_two_batches():
    import_file(fleet(1))
    import_file([row | {"serial": "F9"} for row in fleet(1)])
    assert KeyBatch.objects.count() == 2


def test_fleet_comes_with_its_run():
    run = RunFactory(name="Spring")
    import_file([device(production_run="Spring")])
    tracker = Tracker.objects.get()
    assert (tracker.state, tracker.latest_assignment.run) == (Tracker.State.ACTIVE, run)


def test_mac_of_an_old_device_is_a_choice_too():
    rows = [device(mac="C0:00:00:00:00:01")]
    assert counts(import_file(rows)) == (State.DONE, 0, 0, 1)
    assert counts(import_file(rows, accept_mac_mismatch=True)) == (State.DONE, 1, 0, 0)


def test_keys_of_one_mac_are_no_two_devices():
    (first,) = fleet(1)
    done = import_file([first, first | {"serial": "F9"}])
    assert counts(done) == (State.DONE, 0, 0, 2)


def test_batch_is_not_chosen_for_keys_that_get_their_own():
    with pytest.raises(staging.BatchNotWantedError, match="leave the batch empty"):
        receive([device()], batch=generate())
    assert not DeviceImport.objects.exists()


def test_private_key_waits_sealed_and_is_gone_with_a_rejected_row():
    waiting = import_file([device()], confirmed=False)
    row = DeviceImportRow.objects.get()
    assert row.sealed_private_key
    assert SECRET not in bytes(row.sealed_private_key)
    Tracker.objects.create(mac=PRIVATE_KEY_MAC)
    importing.confirm(device_import=waiting, accept_mac_mismatch=False, actor=None, now=NOW)
    assert counts(go_on(waiting)) == (State.DONE, 0, 0, 1)
    row.refresh_from_db()
    assert row.sealed_private_key is None
    assert waiting.sealed_data_key is None


def test_master_key_that_was_taken_away_fails_the_import_and_says_which(settings):
    waiting = import_file(fleet(1), confirmed=False)
    settings.VAULT_MASTER_KEYS = [new_master_key()]
    importing.confirm(device_import=waiting, accept_mac_mismatch=False, actor=None, now=NOW)
    assert counts(go_on(waiting)) == (State.FAILED, 0, 0, 0)
    assert "sealed by master key" in waiting.failure
    assert "send the file again" in waiting.failure
    assert not KeyBatch.objects.exists()


def test_newer_master_key_seals_the_fleets_batch(settings):
    waiting = import_file(fleet(1), confirmed=False)
    settings.VAULT_MASTER_KEYS = [new_master_key(), *settings.VAULT_MASTER_KEYS]
    importing.confirm(device_import=waiting, accept_mac_mismatch=False, actor=None, now=NOW)
    go_on(waiting)
    settings.VAULT_MASTER_KEYS = settings.VAULT_MASTER_KEYS[:1]
    hashes = list(KeyPair.objects.values_list("hashed_key", flat=True))
    assert len(unsealing.unseal_private_keys(hashed_keys=hashes, purpose="test")) == 1


@pytest.mark.parametrize(
    "rows",
    [
        [device()],
        [device(mac="bad")],
        [device(key=PRIVATE_KEY)],
        [device(serial=PRIVATE_KEY)],
        [device(mac=PRIVATE_KEY)],
        [device(firmware=SECRET.hex())],
        [device(production_run=PRIVATE_KEY)],
        [device(), device(serial="F2")],
        [device(private_key=f"{PRIVATE_KEY[:-4]}", serial="F1")],
    ],
)
def test_private_key_is_nowhere_but_in_its_seal(rows, caplog, capsys, tmp_path):
    """Neither in the database, nor in logs, output, messages, rejects or a serialised row."""
    caplog.set_level(logging.DEBUG)
    path = tmp_path / "fleet.csv"
    path.write_bytes(as_csv(rows))
    out, err = io.StringIO(), io.StringIO()
    rejects_path = tmp_path / "rejects.csv"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.exit", lambda code: None)
        call_command("import_devices", str(path), "--rejects", str(rejects_path), stdout=out, stderr=err)
    device_import = DeviceImport.objects.get()
    told = out.getvalue() + err.getvalue() + caplog.text + "".join(capsys.readouterr()) + whole_database()
    told += "".join(rejects.write(selectors.rejects_of(device_import), with_private_key=True))
    told += rejects_path.read_text() if rejects_path.exists() else ""
    told += serializers.serialize("json", [*DeviceImport.objects.all(), *DeviceImportRow.objects.all()])
    for form in (*forms_of(SECRET), PRIVATE_KEY[:24], SECRET.hex()[:24]):
        assert form not in told
