import hashlib
import json
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from keys.models import ManufacturerExport
from keys.services import exporting, generating
from tests.factories import NOW

pytestmark = pytest.mark.django_db


def run(batch: str, code: str, output: Path) -> str:
    said = StringIO()
    call_command("export_keys", batch, "--format", code, "--output", str(output), stdout=said)
    return said.getvalue()


def test_file_is_what_was_recorded(generate, tmp_path):
    batch = generate(label="Spring")
    said = run("Spring", "csv", tmp_path / "out.csv")
    export = ManufacturerExport.objects.get()
    assert hashlib.sha256((tmp_path / "out.csv").read_bytes()).hexdigest() == export.sha256
    assert f"6 keys of {batch}" in said
    assert export.sha256 in said
    assert [path.name for path in tmp_path.iterdir()] == ["out.csv"]


def test_json_tells_the_record(generate, tmp_path):
    batch, said = generate(label="Spring"), StringIO()
    arguments = ("Spring", "--format", "csv", "--output", str(tmp_path / "out.csv"), "--json")
    call_command("export_keys", *arguments, stdout=said)
    export = ManufacturerExport.objects.get()
    assert json.loads(said.getvalue()) == {
        "export": export.pk,
        "batch": batch.pk,
        "format": "csv",
        "path": str(tmp_path / "out.csv"),
        "keys": 6,
        "size_bytes": export.size_bytes,
        "sha256": export.sha256,
    }


def test_folder_gets_a_file_named_after_the_batch(generate, tmp_path):
    batch = generate()
    run(str(batch.pk), "raw", tmp_path)
    assert (tmp_path / f"key-batch-{batch.pk}-raw.zip").exists()


def test_existing_file_stays_when_the_export_fails(generate, tmp_path, monkeypatch):
    generate()
    (tmp_path / "out.csv").write_text("old")

    def fails(**_):
        raise exporting.BatchNotExportableError("not now")

    monkeypatch.setattr(exporting, "export_batch", fails)
    with pytest.raises(CommandError, match="not now"):
        run("Batch", "csv", tmp_path / "out.csv")
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("out.csv", "old")]


@pytest.mark.parametrize("name", ["Nothing", "99999999", "9" * 40, "²"])
def test_unknown_batch_is_told(name, tmp_path):
    with pytest.raises(CommandError, match="There is no batch"):
        run(name, "csv", tmp_path)


def test_unknown_format_place_and_unfinished_batch_are_told(generate, tmp_path):
    generate()
    generating.create_batch(label="Waits", devices=1, keys_per_device=1, actor=None, now=NOW)
    with pytest.raises(CommandError, match="invalid choice: 'exe'"):
        run("Batch", "exe", tmp_path)
    with pytest.raises(CommandError, match=r"Can't write .*: No such file or directory"):
        run("Batch", "csv", tmp_path / "nowhere" / "out.csv")
    with pytest.raises(CommandError, match="Waits is not generated yet"):
        run("Waits", "csv", tmp_path)
    assert not list(tmp_path.iterdir())
