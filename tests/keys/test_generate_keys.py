import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from keys.management.commands import generate_keys
from keys.models import KeyBatch, KeyPair
from keys.services import generating
from tests.factories import NOW, ManufacturerFactory

pytestmark = pytest.mark.django_db


def run(*arguments: str) -> str:
    said = StringIO()
    call_command("generate_keys", *arguments, stdout=said)
    return said.getvalue()


def test_batch_is_generated_and_told(capsys):
    manufacturer = ManufacturerFactory(name="Maker")
    said = run(
        "--devices=3", "--keys-per-device=2", "--label=Spring", "--note=For June", "--manufacturer=Maker"
    )
    batch = KeyBatch.objects.get()
    assert (batch.state, batch.note, batch.manufacturer) == ("GENERATED", "For June", manufacturer)
    assert KeyPair.objects.count() == 6
    assert said.startswith(f"Batch {batch.pk}, Spring: 3 devices with 2 keys each; 6 key pairs made now")
    assert "3/3 devices" in capsys.readouterr().err


def test_json_tells_the_same_to_programs():
    figures = json.loads(run("--devices=2", "--json"))
    batch = KeyBatch.objects.get()
    assert figures.pop("seconds") >= 0
    assert figures == {
        "batch": batch.pk,
        "label": batch.label,
        "state": "GENERATED",
        "devices": 2,
        "keys_per_device": 1,
        "key_pairs_made": 2,
    }


def test_cancelled_batch_is_resumed_and_a_finished_one_left_alone():
    batch = generating.create_batch(label="Half", devices=2, keys_per_device=1, actor=None, now=NOW)
    generating.cancel_batch(batch=batch, actor=None)
    assert "2 key pairs made now" in run("--resume=Half")
    assert "0 key pairs made now" in run("--resume=Half")
    assert KeyPair.objects.count() == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "Say how many: --devices N"),
        (["--devices=0"], "at least one device"),
        (["--devices=2", "--keys-per-device=51"], "1 to 50 keys"),
        (["--devices=9999999"], "at most 5,000,000"),
        (["--devices=many"], "invalid int value"),
        (["--devices=1", "--label="], "one line of 1 to 100"),
        (["--devices=1", "--manufacturer=Nobody"], "no manufacturer 'Nobody'"),
        (["--resume=Nothing"], "no batch 'Nothing'"),
    ],
)
def test_rubbish_is_refused_with_what_to_do(arguments, message):
    with pytest.raises(CommandError, match=message):
        run(*arguments)
    assert not KeyBatch.objects.exists()


def test_missing_master_key_is_told(settings):
    settings.VAULT_MASTER_KEYS = []
    with pytest.raises(CommandError, match="no master key is configured"):
        run("--devices=1")


def test_interrupted_command_says_how_far_it_came_and_how_to_go_on(monkeypatch, capsys):
    def interrupted(**_):
        raise KeyboardInterrupt

    monkeypatch.setattr(generate_keys.generating, "continue_batch", interrupted)
    with pytest.raises(SystemExit) as end:
        run("--devices=4", "--label=Stopped")
    assert end.value.code == 130
    assert "0 of 4 devices have their keys" in capsys.readouterr().err
    assert KeyBatch.objects.get().state == KeyBatch.State.QUEUED


def test_command_says_when_its_batch_was_cancelled_meanwhile(monkeypatch):
    def cancelled(*, batch, now):
        generating.cancel_batch(batch=batch, actor=None)
        return False

    monkeypatch.setattr(generate_keys.generating, "continue_batch", cancelled)
    with pytest.raises(CommandError, match="cancelled meanwhile"):
        run("--devices=4")
