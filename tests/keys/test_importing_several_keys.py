"""Devices with several keys: taken in whole, or not at all, and each row is counted."""

import base64

import pytest

from keys import advertisement, selectors
from keys.imports import rejects
from keys.models import DeviceImport, DeviceImportRow, KeyBatch, KeyPair
from keys.services import exporting, importing, unsealing
from tests.factories import NOW, RunFactory, TrackerFactory
from tests.keys.device_files import counts, devices_of, generate, go_on, import_file
from trackers.models import Tracker

pytestmark = pytest.mark.django_db

State = DeviceImport.State
FLEET = b"""mac,serial,key_index,private_key
CD:DB:6B:6B:79:1B,FLEET-0,0,PrRZyI+N4Olz4dA2UKdM/wJvTITqj/X42DcRYA==
CD:DB:6B:6B:79:1B,FLEET-0,1,etNn1Ks+HTUuer7VZY7zDYVpgLsJd+Rx8R/I3w==
CD:DB:6B:6B:79:1B,FLEET-0,2,c9nIaZ/dtf7xIXcJTB1cah+Z9Q35nmrlw8eVWQ==
F6:F7:E8:DD:D0:82,FLEET-1,0,2fC3wOb22r+chiab3v2pqg3WoyzAWfU017/ILg==
F6:F7:E8:DD:D0:82,FLEET-1,1,vgby/dqvbsSjgGJr3RyE5E+pMNfBrODZonKdQg==
F6:F7:E8:DD:D0:82,FLEET-1,2,p+Pe6rmaFPjqPZ0gSOzwQp4Zz98GdE/6Cx83kQ==
"""
OTHER_MAC = "C0:00:00:00:00:01"


def device(serial="A", keys=3, mac=None):
    """The rows of a device that brings its keys."""
    pairs = [advertisement.generate_key_pair() for _ in range(keys)]
    return [
        {
            "mac": mac or pairs[0].mac,
            "serial": serial,
            "key_index": str(index),
            "private_key": base64.b64encode(pair.private_key).decode(),
        }
        for index, pair in enumerate(pairs)
    ]


def public(row):
    """The row with the key itself in place of the private one."""
    pair = advertisement.derive_key_pair(base64.b64decode(row["private_key"]))
    return row | {"private_key": "", "key": base64.b64encode(pair.advertisement_key).decode()}


def told(device_import):
    """The codes of what is said of each rejected row, by its number."""
    rows = DeviceImportRow.objects.filter(device_import=device_import, outcome="REJECTED").order_by("number")
    return {row.number: [problem["code"] for problem in row.problems] for row in rows}


def keys_of(tracker):
    pairs = KeyPair.objects.filter(tracker=tracker).order_by("key_index")
    return list(pairs.values_list("key_index", flat=True))


def test_fleet_with_three_keys_each_is_taken_in_whole():
    done = import_file(FLEET)
    assert counts(done) == (State.DONE, 6, 0, 0)
    assert (done.total, done.devices) == (6, 2)
    trackers = Tracker.objects.order_by("serial")
    assert [tracker.mac for tracker in trackers] == ["CD:DB:6B:6B:79:1B", "F6:F7:E8:DD:D0:82"]
    assert [keys_of(tracker) for tracker in trackers] == [[0, 1, 2], [0, 1, 2]]
    batch = KeyBatch.objects.get()
    assert (batch.devices, batch.generated_devices, batch.keys_per_device) == (2, 2, 3)
    hashes = list(KeyPair.objects.values_list("hashed_key", flat=True))
    assert len(unsealing.unseal_private_keys(hashed_keys=hashes, purpose="test")) == 6


def test_the_same_fleet_again_changes_nothing():
    import_file(FLEET)
    assert counts(import_file(FLEET)) == (State.DONE, 0, 6, 0)
    assert KeyPair.objects.count() == 6


def test_rows_of_a_device_need_not_stand_together_nor_in_order():
    first, second = device("A"), device("B", keys=2)
    done = import_file([second[1], first[2], first[0], second[0], first[1]])
    assert (counts(done), done.devices) == ((State.DONE, 5, 0, 0), 2)
    assert keys_of(Tracker.objects.get(serial="A")) == [0, 1, 2]
    assert KeyPair.objects.get(tracker__serial="A", key_index=0).mac == first[0]["mac"]


def test_devices_may_have_different_numbers_of_keys_and_come_in_several_batches(monkeypatch):
    monkeypatch.setattr(importing, "DEVICES_PER_CHECK", 1)
    monkeypatch.setattr(importing, "DEVICES_PER_IMPORT", 1)
    done = import_file([*device("A", keys=1), *device("B", keys=3), *device("C", keys=2)])
    assert (done.imported, done.devices) == (6, 3)
    batch = KeyBatch.objects.get()
    assert (batch.devices, batch.keys_per_device) == (3, 3)
    assert [len(keys_of(tracker)) for tracker in Tracker.objects.order_by("serial")] == [1, 3, 2]


def test_what_only_one_row_says_is_the_devices():
    run = RunFactory(name="Spring")
    rows = device()
    rows[1] |= {"firmware": "1.0", "production_run": "Spring"}
    import_file(rows)
    tracker = Tracker.objects.get()
    assert (tracker.firmware, tracker.state) == ("1.0", Tracker.State.ACTIVE)
    assert tracker.latest_assignment.run == run


class TestMac:
    def test_is_that_of_any_of_its_keys(self):
        rows = device()
        mac = advertisement.derive_key_pair(base64.b64decode(rows[2]["private_key"])).mac
        done = import_file([row | {"mac": mac} for row in rows])
        assert counts(done) == (State.DONE, 3, 0, 0)
        assert Tracker.objects.get().mac == mac

    def test_with_one_wrong_digit_is_refused_for_devices_of_several_keys_too(self):
        rows = device()
        wrong = rows[0]["mac"][:-1] + ("0" if rows[0]["mac"][-1] != "0" else "1")
        done = import_file([row | {"mac": wrong} for row in rows])
        assert told(done) == {2: ["mac_mismatch"], 3: ["mac_mismatch"], 4: ["mac_mismatch"]}

    def test_of_a_batchs_device_is_one_of_its_keys_too(self):
        batch = generate(devices=2, keys_per_device=3)
        second = KeyPair.objects.get(batch=batch, device_index=0, key_index=1)
        rows = devices_of(batch)
        done = import_file([rows[0] | {"mac": second.mac}, rows[1] | {"mac": OTHER_MAC}])
        assert counts(done) == (State.DONE, 1, 0, 1)
        assert told(done) == {3: ["mac_mismatch"]}

    @pytest.mark.parametrize("confirmed", [True, False])
    def test_that_no_key_implies_can_be_accepted_for_all_of_them_with_a_warning(self, confirmed):
        rows = [*device("A", mac=OTHER_MAC), *device("B")]
        rows[5]["private_key"] = "AQID"
        done = import_file(rows, confirmed=confirmed, accept_mac_mismatch=confirmed)
        if not confirmed:
            assert (done.valid, done.rejected) == (0, 6)
            importing.confirm(device_import=done, accept_mac_mismatch=True, actor=None, now=NOW)
            go_on(done)
        assert (counts(done), done.devices) == ((State.DONE, 3, 0, 3), 1)
        assert Tracker.objects.get().mac == OTHER_MAC
        assert (done.warned, [warning["code"] for warning in done.warnings]) == (3, ["mac_mismatch"])

    @pytest.mark.parametrize("mac", ["00:00:00:00:00:00", "FF-FF-FF-FF-FF-FF"])
    def test_of_no_device_is_never_accepted(self, mac):
        done = import_file([row | {"mac": mac} for row in device()], accept_mac_mismatch=True)
        assert told(done) == {number: ["no_device"] for number in (2, 3, 4)}


class TestRefused:
    def codes(self, rows, **options):
        done = import_file(rows, **options)
        assert done.imported + done.unchanged + done.rejected == done.total == len(rows)
        assert not KeyPair.objects.filter(tracker__isnull=False).exists()
        return told(done)

    def test_gap(self):
        first, _, third = device()
        assert self.codes([first, third]) == {2: ["device_rejected"], 3: ["key_index_gap"]}

    def test_numbers_that_begin_at_one(self):
        rows = [row | {"key_index": str(n)} for n, row in enumerate(device(), start=1)]
        assert self.codes(rows) == {2: ["key_index_gap"], 3: ["device_rejected"], 4: ["device_rejected"]}

    def test_number_given_twice(self):
        rows = device()
        rows[2]["key_index"] = "1"
        twice = ["duplicate_key_index"]
        assert self.codes(rows) == {2: ["device_rejected"], 3: twice, 4: twice}

    @pytest.mark.parametrize("index", ["-1", "50", "1.0", "one", "00050", "²", "1e3"])
    def test_number_that_is_none(self, index):
        rows = device(keys=2)
        rows[1]["key_index"] = index
        assert self.codes(rows) == {2: ["device_rejected"], 3: ["invalid_key_index"]}

    def test_public_key_among_private_ones(self):
        rows = device()
        rows[1] = public(rows[1])
        rejected = ["device_rejected"]
        done = self.codes([row | {"key": row.get("key", "")} for row in rows])
        assert done == {2: rejected, 3: ["missing"], 4: rejected}

    def test_private_key_that_is_not_of_the_public_one(self):
        rows = [row | {"key": ""} for row in device(keys=2)]
        rows[1]["key"] = public(rows[0])["key"]
        assert self.codes(rows) == {2: ["device_rejected"], 3: ["keys_differ"]}

    def test_same_key_twice_at_one_device(self):
        rows = device()
        rows[2]["private_key"] = rows[0]["private_key"]
        assert self.codes(rows) == {2: ["duplicate_key"], 3: ["device_rejected"], 4: ["duplicate_key"]}

    def test_same_key_at_two_devices(self):
        first, second = device("A"), device("B")
        second[1]["private_key"] = first[2]["private_key"]
        rejected, twice = ["device_rejected"], ["duplicate_key"]
        assert self.codes([*first, *second]) == {
            2: rejected, 3: rejected, 4: twice, 5: rejected, 6: twice, 7: rejected,
        }  # fmt: skip

    def test_two_devices_with_one_mac(self):
        first, second = device("A", keys=2), device("B", keys=2)
        for row in second:
            row["mac"] = first[0]["mac"]
        assert self.codes([*first, *second]) == {number: ["duplicate_mac"] for number in (2, 3, 4, 5)}

    def test_rows_that_do_not_number_their_keys(self):
        rows = device(keys=2)
        for row in rows:
            row["key_index"] = ""
        done = import_file(rows)
        assert told(done) == {number: ["duplicate_mac", "duplicate_serial"] for number in (2, 3)}
        assert "numbered in the column key_index" in selectors.reasons_of(done)[0].example

    @pytest.mark.parametrize(
        ("column", "value", "code"),
        [
            ("mac", OTHER_MAC, "macs_differ"),
            ("firmware", "2.0", "rows_differ"),
            ("manufactured_at", "2026-01-01", "rows_differ"),
        ],
    )
    def test_rows_that_contradict_each_other(self, column, value, code):
        rows = [row | {"firmware": "1.0", "manufactured_at": "2026-01-02"} for row in device(keys=2)]
        rows[1][column] = value
        assert self.codes(rows) == {2: ["device_rejected"], 3: [code]}

    def test_device_whose_mac_or_serial_is_taken(self):
        rows = device(keys=2)
        TrackerFactory(mac=rows[0]["mac"], serial="A")
        taken = ["mac_taken", "serial_taken"]
        assert self.codes(rows) == {2: taken, 3: taken}

    def test_device_that_gets_further_keys_later(self):
        rows = device()
        import_file(rows[:2])
        done = import_file(rows)
        assert told(done) == {2: ["device_rejected"], 3: ["device_rejected"], 4: ["keys_of_two_devices"]}

    def test_keys_of_two_devices_of_a_batch(self):
        batch = generate(devices=2, keys_per_device=2)
        first, second = devices_of(batch)
        assert self.codes(
            [first | {"key_index": "0"}, second | {"key_index": "1", "serial": first["serial"]}]
        ) == {2: ["device_rejected"], 3: ["keys_of_two_devices"]}

    def test_key_of_a_batch_with_another_number(self):
        batch = generate(devices=1, keys_per_device=2)
        (row,) = devices_of(batch)
        assert self.codes([row | {"key_index": "1"}]) == {2: ["wrong_key_index"]}

    def test_payload_and_hex_of_another_key(self):
        first, second = (advertisement.generate_key_pair() for _ in range(2))
        rows = [
            row | {"advertisement_key_hex": pair.advertisement_key.hex(), "payload_hex": other.payload.hex()}
            for row, pair, other in zip(device(keys=2), (first, first), (first, second), strict=True)
        ]
        assert self.codes(rows) == {2: ["keys_differ"], 3: ["keys_differ"]}


def test_row_that_repeats_another_one_takes_nothing_from_its_device():
    rows = device()
    done = import_file([*rows, rows[1]])
    assert counts(done) == (State.DONE, 3, 0, 1)
    assert told(done) == {5: ["duplicate_row"]}


def test_rejected_devices_come_back_whole_and_can_be_sent_again():
    rows = device("A", keys=2)
    rows[1]["serial"] = "=1"
    rows += device("B", keys=1)
    done = import_file(rows)
    assert told(done) == {2: ["device_rejected"], 3: ["formula"]}
    text = "".join(rejects.write(selectors.rejects_of(done), with_private_key=True))
    lines = text.splitlines()
    assert len(lines) == 3
    keys = iter(row["private_key"] for row in rows)
    fixed = [lines[0], *(_with_key(line, lines[0], next(keys)) for line in lines[1:])]
    again = import_file("\n".join(fixed).replace("'=1", "A").encode())
    assert (counts(again), again.devices) == ((State.DONE, 2, 0, 0), 1)


def _with_key(line, header, key):
    cells = line.split(",")
    cells[header.lstrip("\ufeff").split(",").index("private_key")] = key
    return ",".join(cells)


def test_key_that_begins_with_zero_is_taken_in_with_a_warning():
    content = b"mac,serial,private_key\nC0:0A:BB:AD:F2:CF,ZERO-1,0bQfSA3A6Tfae+6CCGGPMVsD1MXN81VEJvHCPQ==\n"
    done = import_file(content)
    assert counts(done) == (State.DONE, 1, 0, 0)
    assert bytes(KeyPair.objects.get().advertisement_key)[0] == 0
    (warning,) = selectors.warnings_of(done)
    assert (done.warned, warning.code, warning.rows, warning.first) == (1, "key_begins_with_zero", 1, 2)


def test_fleet_with_several_keys_is_exported_with_all_of_them():
    import_file([*device("A", keys=1), *device("B", keys=3)])
    batch = KeyBatch.objects.get()
    export = exporting.export_batch(batch=batch, format_code="csv", actor=None, now=NOW)
    assert export.rows == 4
    with pytest.raises(exporting.BatchNotExportableError, match="1 to 3 keys"):
        exporting.export_batch(batch=batch, format_code="c", actor=None, now=NOW)
