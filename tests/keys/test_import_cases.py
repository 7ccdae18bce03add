"""Files as people sent them to comparable systems, and what is right for each."""

import base64
import re

import pytest

from keys import advertisement
from keys.models import KeyBatch, KeyPair
from tests.keys.device_files import PRIVATE_KEY, counts, import_file
from tests.keys.test_import_command import run
from tests.keys.test_importing_several_keys import FLEET
from trackers.models import Tracker

pytestmark = pytest.mark.django_db

DOUBLE_BOM = (
    "\ufeff\ufeffmac,serial,key\r\nC8:40:5B:A1:5F:F8,BUG-001,iEBboV/4GXsScDIRj7Gs9EBfERILBGEKI7zDTA==\r\n"
)
ZERO_WIDTH_HEADER = (
    "mac,serial\u200b,key\r\nD9:0E:37:C8:C5:0D,BUG-003,mQ43yMUNdGxX0d/RvLVwln6SJYWUGlm0hG1KIQ==\r\n"
)
INVISIBLE = """mac;serial;key
CE:25:AF:90:B7:0F\u00a0 ;BUG-012;ziWvkLcPYSfWpCRDXx5GQEUK0yWDaAOqnpWyxQ==
\u200eFE:0D:E0:8B:18:D6;BUG-013;vg3gixjW9udZub5awR2fgFaWgjU7G6fRVVyufg==
\u201cF1:7F:63:23:90:C1\u201d;BUG-014;8X9jI5DBJafYZamgIygLX23dWQ3JS1a6pSofQg==
'FA:E5:7B:65:DE:67;BUG-015;uuV7Zd5nt1jFWcxoPK1M0XVWf/9It3bMeJ12FQ==
E8\u2011A5\u201178\u2011CB\u2011A0\u201171;BUG-016;6KV4y6Bx05PUyeAh5xJeaf3LNwovLbABrPkncQ==
F0:AA:D5:60:CD:F0\u200b;BUG-017;MKrVYM3w8oZIWDHWjPklZwYHAUvSrFQ2eSXYVA==
"=""E5:05:A8:F2:F4:71\""";BUG-018;ZQWo8vRxxKYPYWRXHW2LqEjc7uR6DRddtfqkyQ==
"""
ZERO = "mac,serial,private_key\nC0:0A:BB:AD:F2:CF,ZERO-1,0bQfSA3A6Tfae+6CCGGPMVsD1MXN81VEJvHCPQ==\n"


def know_keys_of(content):
    """A batch of which the keys in the file are."""
    keys = [base64.b64decode(key) for key in re.findall(r"BUG-\d+[,;](\S+)", content)]
    batch = KeyBatch.objects.create(
        label="Cases", devices=len(keys), generated_devices=len(keys), state="GENERATED", sealed_data_key=b"x"
    )
    for index, key in enumerate(keys):
        KeyPair.objects.create(
            batch=batch,
            device_index=index,
            key_index=0,
            advertisement_key=key,
            hashed_key=advertisement.hashed_key(key),
            mac=advertisement.mac_address(key),
            sealed_private_key=b"x",
        )


@pytest.mark.parametrize(("content", "devices"), [(DOUBLE_BOM, 1), (ZERO_WIDTH_HEADER, 1), (INVISIBLE, 7)])
def test_characters_that_nobody_sees_keep_no_device_out(content, devices):
    know_keys_of(content)
    assert counts(import_file(content.encode())) == ("DONE", devices, 0, 0)
    assert all(tracker.serial.startswith("BUG-") for tracker in Tracker.objects.all())
    assert set(Tracker.objects.values_list("mac", flat=True)) == set(
        KeyPair.objects.values_list("mac", flat=True)
    )


def test_command_counts_rows_devices_and_warnings(tmp_path):
    path = tmp_path / "fleet.csv"
    path.write_bytes(FLEET)
    assert run(path)[:2] == (0, "6 rows: 6 imported (2 devices), 0 unchanged, 0 rejected.\n")
    path.write_text(ZERO)
    code, out, _ = run(path)
    assert (code, out.splitlines()[0]) == (0, "1 rows: 1 imported, 0 unchanged, 0 rejected, 1 with warnings.")
    assert "key_begins_with_zero" in out


def test_command_reads_files_of_other_programs_and_says_what_it_does_not_use(tmp_path):
    path = tmp_path / "BIKE.keys"
    path.write_text(f"Private key: {PRIVATE_KEY}\n")
    assert run(path)[1] == "1 rows: 1 imported, 0 unchanged, 0 rejected.\n"
    assert Tracker.objects.get().serial == "BIKE"
    path = tmp_path / "devices.json"
    path.write_text(f'[{{"id": 1, "name": "BIKE", "privateKey": "{PRIVATE_KEY}", "additionalKeys": []}}]')
    assert run(path)[1].splitlines() == [
        "1 rows: 0 imported, 1 unchanged, 0 rejected.",
        "Not used: the column id.",
    ]


def test_same_devices_in_another_programs_file_are_unchanged(tmp_path):
    """Its MACs and the order of its keys are ours, so that they contradict nothing."""
    import_file(FLEET)
    keys = [line.split(",")[3] for line in FLEET.decode().split()[1:4]]
    path = tmp_path / "FLEET-0.keys"
    path.write_text("".join(f"Private key: {key}\n" for key in reversed(keys)))
    assert run(path)[1] == "3 rows: 0 imported, 3 unchanged, 0 rejected.\n"


@pytest.mark.parametrize("serial", ["1.5", "1e3", "true", "[1]", '{"a": 1}'])
def test_json_values_that_are_no_texts_are_no_serials(serial):
    done = import_file(
        f'[{{"mac": "E2:7B:7C:0B:3A:2F", "serial": {serial}, "private_key": "{PRIVATE_KEY}"}}]'.encode()
    )
    assert counts(done) == ("DONE", 0, 0, 1)


@pytest.mark.parametrize("serial", ["12.0", "1.5E+11", "1.5e3", "1E+3"])
def test_numbers_that_a_program_wrote_are_no_serials_in_a_csv_either(serial):
    done = import_file(f"mac,serial,private_key\nE2:7B:7C:0B:3A:2F,{serial},{PRIVATE_KEY}\n".encode())
    assert counts(done) == ("DONE", 0, 0, 1)


@pytest.mark.parametrize("serial", ["12", "12E3", "2024.001", "A 1"])
def test_serials_that_only_look_like_numbers_are_serials(serial):
    import_file(f"mac,serial,private_key\nE2:7B:7C:0B:3A:2F,{serial},{PRIVATE_KEY}\n".encode())
    assert Tracker.objects.get().serial == serial
