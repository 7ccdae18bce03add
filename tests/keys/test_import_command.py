"""`manage.py import_devices`: what it prints, how it exits, and that a file it can't read changes nothing."""

import io
import json

import pytest
from django.core.management import call_command

from keys.models import DeviceImport
from tests.keys.device_files import as_csv, devices_of, generate
from trackers.models import Tracker

pytestmark = pytest.mark.django_db


def run(*arguments):
    out, err = io.StringIO(), io.StringIO()
    try:
        call_command("import_devices", *map(str, arguments), stdout=out, stderr=err)
    except SystemExit as ended:
        return ended.code, out.getvalue(), err.getvalue()
    return 0, out.getvalue(), err.getvalue()


@pytest.fixture
def file(tmp_path):
    def write(rows):
        path = tmp_path / "devices.csv"
        path.write_bytes(rows if isinstance(rows, bytes) else as_csv(rows))
        return path

    return write


def test_devices_are_imported(file):
    code, out, _ = run(file(devices_of(generate())), "--batch", "Batch")
    assert (code, out.strip()) == (0, "3 rows: 3 imported, 0 unchanged, 0 rejected.")
    assert Tracker.objects.count() == 3


def test_rejected_rows_exit_with_1_are_told_and_written_to_a_file(file, tmp_path):
    rows = devices_of(generate())
    rows[1]["mac"] = "1.23457E+11"
    target = tmp_path / "rejects.csv"
    code, out, _ = run(file(rows), "--rejects", target)
    assert code == 1
    assert "3 rows: 2 imported, 0 unchanged, 1 rejected." in out
    assert "mangled_by_spreadsheet" in out
    assert "1.23457E+11" in target.read_text()


def test_dry_run_changes_nothing(file):
    code, out, _ = run(file(devices_of(generate())), "--dry-run")
    assert (code, out.strip()) == (0, "3 rows: 3 could be imported, 0 unchanged, 0 rejected.")
    assert not Tracker.objects.exists()
    assert DeviceImport.objects.get().state == DeviceImport.State.CANCELLED


def test_json_for_scripts(file):
    rows = devices_of(generate())
    rows[0]["mac"] = "C0:00:00:00:00:01"
    code, out, _ = run(file(rows), "--json")
    answer = json.loads(out)
    assert code == 1
    assert (answer["imported"], answer["rejected"], answer["dry_run"]) == (2, 1, False)
    assert [(reason["code"], reason["first"]) for reason in answer["reasons"]] == [("mac_mismatch", 2)]
    assert run(file(rows), "--accept-mac-mismatch")[0] == 0


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"mac,key\nA,\xff\n", "Row 2 is not in UTF-8: it has the byte 0xFF"),
        (b"a,b\n1,2\n", "first row"),
    ],
)
def test_file_that_can_not_be_read_exits_with_2(file, content, said):
    code, out, err = run(file(content))
    assert (code, out) == (2, "")
    assert said in err
    assert not DeviceImport.objects.exists()


def test_other_mistakes_exit_with_2_before_anything_is_imported(file, tmp_path, settings):
    path = file(devices_of(generate()))
    for arguments, said in (
        ([tmp_path / "none.csv"], "no such file"),
        ([tmp_path], "no such file"),
        ([path, "--batch", "Nope"], "no key batch 'Nope'"),
        ([path, "--rejects", path], "overwrite"),
        ([path, "--rejects", tmp_path / "none" / "rejects.csv"], "no directory"),
    ):
        code, _, err = run(*arguments)
        assert code == 2
        assert said in err
    settings.IMPORT_MAX_MB = 0
    code, _, err = run(path)
    assert code == 2
    assert "split it" in err
    assert not DeviceImport.objects.exists()
