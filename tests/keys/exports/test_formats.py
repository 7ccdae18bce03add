"""Each format byte for byte, on keys whose values are known from the outside."""

import base64
import csv
import io
import json
import subprocess
import zipfile

import pytest

from keys.exports.formats import FORMATS, Batch, Device, ExportFormat, in_blocks, proposed_serial, register

# Two published key pairs: that of a specification's example, and that of a device.
KEY_A = base64.b64decode("Ynt8Czovt6R4rFZw6ZcxlKX9oLwHkbB1Bqc93Q==")
KEY_D = base64.b64decode("6qo5suoEETuel0Jr/bSIS7rnh+Nyew1GO/D0GQ==")
BATCH = Batch(7, 2, 2)
DEVICES = (Device("K7-000000", (KEY_A, KEY_D)), Device("K7-000001", (KEY_D, KEY_A)))

ROW_A = {
    "serial": "K7-000000",
    "key_index": 0,
    "mac": "E2:7B:7C:0B:3A:2F",
    "advertisement_key": "Ynt8Czovt6R4rFZw6ZcxlKX9oLwHkbB1Bqc93Q==",
    "advertisement_key_hex": "627b7c0b3a2fb7a478ac5670e9973194a5fda0bc0791b07506a73ddd",
    "hashed_key": "/vOKuaTt4YQhx94Ge/rHR9KDiKnuhcZ7CrxlJFsRUzg=",
    "payload_hex": "1eff4c00121900b7a478ac5670e9973194a5fda0bc0791b07506a73ddd0100",
}
ROW_D = {
    "serial": "K7-000000",
    "key_index": 1,
    "mac": "EA:AA:39:B2:EA:04",
    "advertisement_key": "6qo5suoEETuel0Jr/bSIS7rnh+Nyew1GO/D0GQ==",
    "advertisement_key_hex": "eaaa39b2ea04113b9e97426bfdb4884bbae787e3727b0d463bf0f419",
    "hashed_key": "KknbNnEvhlyS5zpLH9h22TpDoDKdTVMRLOn+jf8hi0w=",
    "payload_hex": "1eff4c00121900113b9e97426bfdb4884bbae787e3727b0d463bf0f4190300",
}


def written(code: str, batch: Batch = BATCH, devices: tuple[Device, ...] = DEVICES) -> bytes:
    return b"".join(in_blocks(FORMATS[code].write(batch, devices)))


def test_csv():
    lines = written("csv").decode("ascii").split("\r\n")
    assert lines[0] == ",".join(ROW_A)
    assert lines[1] == ",".join(str(value) for value in ROW_A.values())
    assert lines[2] == ",".join(str(value) for value in ROW_D.values())
    assert lines[3].startswith("K7-000001,0,EA:AA:39:B2:EA:04,")
    assert lines[5:] == [""]
    assert len(list(csv.DictReader(io.StringIO(written("csv").decode())))) == 4


def test_csv_holds_nothing_that_a_spreadsheet_would_run():
    for row in csv.reader(io.StringIO(written("csv").decode())):
        for cell in row:
            assert cell[0] not in "=-@\t\r"
            assert not set(cell) & set("()!|'\" ")


def test_json():
    rows = json.loads(written("json"))
    assert rows[:2] == [ROW_A, ROW_D]
    assert len(rows) == 4
    assert all(len(line.split(b'"payload_hex"')) == 2 for line in written("json").splitlines()[1:-1])


def unzipped(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def test_keyfile_of_each_device_begins_with_the_number_of_its_keys():
    assert unzipped(written("keyfile")) == {
        "K7-000000.keyfile": b"\x02" + KEY_A + KEY_D,
        "K7-000001.keyfile": b"\x02" + KEY_D + KEY_A,
    }


def test_raw_keys_of_each_device_are_nothing_but_keys():
    assert unzipped(written("raw")) == {"K7-000000.bin": KEY_A + KEY_D, "K7-000001.bin": KEY_D + KEY_A}
    single = written("raw", Batch(7, 1, 1), (Device("K7-000000", (KEY_A,)),))
    assert unzipped(single) == {"K7-000000.bin": KEY_A}


def test_payloads_are_what_goes_on_the_air():
    assert written("payloads").decode("ascii").split("\r\n")[:3] == [
        "serial,key_index,mac,payload_hex",
        f"K7-000000,0,{ROW_A['mac']},{ROW_A['payload_hex']}",
        f"K7-000000,1,{ROW_D['mac']},{ROW_D['payload_hex']}",
    ]


def test_c_header():
    assert (
        written("c")
        .decode("ascii")
        .startswith(
            """\
/* Advertisement keys of key batch 7: public. Devices in order, each with its keys in rotation order. */
#ifndef ADVERTISEMENT_KEYS_7_H
#define ADVERTISEMENT_KEYS_7_H

#define ADVERTISEMENT_DEVICES 2
#define ADVERTISEMENT_KEYS_PER_DEVICE 2
#define ADVERTISEMENT_KEY_BYTES 28

static const unsigned char
    advertisement_keys[ADVERTISEMENT_DEVICES][ADVERTISEMENT_KEYS_PER_DEVICE][ADVERTISEMENT_KEY_BYTES] = {
    { /* K7-000000 E2:7B:7C:0B:3A:2F */
        {0x62,0x7b,0x7c,0x0b,0x3a,0x2f,0xb7,0xa4,0x78,0xac,0x56,0x70,0xe9,0x97,0x31,0x94,"""
        )
    )


def test_c_header_compiles_to_the_keys(tmp_path):
    (tmp_path / "keys.h").write_bytes(written("c"))
    (tmp_path / "show.c").write_text(
        '#include <stdio.h>\n#include "keys.h"\n'
        "int main(void) { return fwrite(advertisement_keys, 1, sizeof advertisement_keys, stdout) != 112; }\n"
    )
    command = ["cc", "-std=c99", "-Wall", "-Werror", "-o", "show", "show.c"]
    try:
        subprocess.run(command, cwd=tmp_path, check=True)
    except FileNotFoundError:
        pytest.skip("no C compiler")
    shown = subprocess.run([tmp_path / "show"], capture_output=True, check=True).stdout
    assert shown == KEY_A + KEY_D + KEY_D + KEY_A


@pytest.mark.parametrize("code", FORMATS)
def test_same_devices_give_the_same_bytes(code):
    assert written(code) == written(code)


@pytest.mark.parametrize("code", FORMATS)
def test_formats_read_devices_one_by_one(code):
    """Memory stays flat only if nobody collects them."""
    waiting = 0

    def devices():
        nonlocal waiting
        for index in range(1000):
            waiting += 1
            assert waiting <= 2, "devices pile up"
            yield Device(proposed_serial(7, index), (KEY_A,))

    for part in FORMATS[code].write(Batch(7, 1000, 1), devices()):
        assert len(part) <= 70_000
        waiting = 0


def test_serials_are_no_dates_or_numbers_and_sort_in_order():
    serials = [proposed_serial(12, index) for index in (0, 9, 10, 999_999)]
    assert serials == ["K12-000000", "K12-000009", "K12-000010", "K12-999999"]


def test_two_formats_of_one_code_are_refused():
    with pytest.raises(ValueError, match="two export formats are called csv"):
        register(ExportFormat("csv", "", "", "", lambda batch, devices: iter(())))
