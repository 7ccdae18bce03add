"""Devices come into stock from files: each row on its own, once, and never half."""

import io
import threading
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import IntegrityError, connections

from keys import selectors
from keys.imports import rejects
from keys.models import DeviceImport, DeviceImportRow, KeyBatch, KeyPair, Manufacturer
from keys.services import exporting, importing, registering, staging
from tests import plans
from tests.factories import NOW, RunFactory, StaffFactory, TrackerFactory
from tests.keys.device_files import as_csv, as_json, counts, devices_of, generate, go_on, import_file, receive
from trackers.models import Tracker

pytestmark = pytest.mark.django_db

State = DeviceImport.State


def reasons(device_import):
    return [(reason.column, reason.code, reason.rows) for reason in selectors.reasons_of(device_import)]


def reject_of(rows, **options):
    """Why the only rejected row of a file is rejected."""
    (reason,) = selectors.reasons_of(import_file(rows, **options))
    assert reason.example.endswith(".")
    return reason.column, reason.code


class TestStock:
    @pytest.mark.parametrize("write", [as_csv, as_json])
    def test_devices_come_into_stock_linked_with_their_keys(self, write):
        batch = generate()
        details = {"firmware": "1.0", "hardware_revision": "B", "manufactured_at": "2026-03-09"}
        done = import_file(write(devices_of(batch, **details)))
        assert counts(done) == (State.DONE, 3, 0, 0)
        assert done.ended_at == NOW
        tracker = Tracker.objects.order_by("id").first()
        assert (tracker.serial, tracker.state) == ("Batch-0", Tracker.State.IN_STOCK)
        assert (tracker.firmware, tracker.hardware_revision) == ("1.0", "B")
        assert tracker.manufactured_at == datetime(2026, 3, 9, tzinfo=UTC)
        for pair in KeyPair.objects.select_related("tracker"):
            assert pair.tracker.mac == pair.mac
        assert not DeviceImportRow.objects.exists()

    def test_any_key_or_hash_of_a_device_links_all_of_its_keys(self):
        batch = generate(devices=2, keys_per_device=3)
        first, second = KeyPair.objects.filter(key_index=1).order_by("device_index")
        done = import_file(
            [
                {"mac": "C0:00:00:00:00:01", "key": first.hashed_key},
                {"mac": "C0:00:00:00:00:02", "key": bytes(second.advertisement_key).hex()},
            ],
            accept_mac_mismatch=True,
        )
        assert counts(done) == (State.DONE, 2, 0, 0)
        for index, mac in enumerate(["C0:00:00:00:00:01", "C0:00:00:00:00:02"]):
            linked = KeyPair.objects.filter(batch=batch, device_index=index)
            assert set(linked.values_list("tracker__mac", flat=True)) == {mac}

    def test_same_file_twice_changes_nothing(self):
        rows = devices_of(generate(), firmware="1.0")
        import_file(rows)
        before = list(Tracker.objects.order_by("id").values())
        assert counts(import_file(rows)) == (State.DONE, 0, 3, 0)
        assert list(Tracker.objects.order_by("id").values()) == before

    def test_an_empty_cell_contradicts_nothing(self):
        rows = devices_of(generate(), firmware="1.0")
        import_file(rows)
        less = [{"mac": row["mac"], "key": row["key"]} for row in rows]
        assert counts(import_file(less)) == (State.DONE, 0, 3, 0)

    def test_valid_rows_are_imported_although_others_are_bad(self):
        rows = devices_of(generate())
        rows[1]["mac"] = "1.23457E+11"
        done = import_file(rows)
        assert counts(done) == (State.DONE, 2, 0, 1)
        assert reasons(done) == [("mac", "mangled_by_spreadsheet", 1)]
        assert Tracker.objects.count() == 2

    def test_rejects_can_be_mended_and_sent_again(self):
        rows = devices_of(generate())
        good, rows[1]["serial"] = rows[1]["serial"], "=1+1"
        done = import_file(rows)
        text = "".join(rejects.write(selectors.rejects_of(done), with_private_key=False))
        assert counts(import_file(text.encode())) == (State.DONE, 0, 0, 1)
        assert counts(import_file(text.replace("'=1+1", good).encode())) == (State.DONE, 1, 0, 0)
        assert Tracker.objects.count() == 3


class TestChecks:
    def test_unknown_key(self):
        key = devices_of(generate())[0]["key"]
        KeyPair.objects.all().delete()
        assert reject_of([{"mac": "C0:00:00:00:00:01", "key": key}]) == ("key", "unknown_key")

    def test_key_of_another_batch(self):
        batch, other = generate(), generate("Other", devices=1)
        assert reject_of(devices_of(other), batch=batch) == ("key", "key_of_another_batch")

    def test_batch_that_is_not_generated(self):
        batch = generate(devices=1, state=KeyBatch.State.CANCELLED)
        assert reject_of(devices_of(batch)) == ("key", "batch_not_generated")

    @pytest.mark.parametrize(
        ("column", "value"),
        [
            ("mac", "C0:00:00:00:00:01"),
            ("serial", "S2"),
            ("firmware", "2.0"),
            ("manufactured_at", "2026-01-01"),
        ],
    )
    def test_device_that_is_registered_differently(self, column, value):
        (row,) = devices_of(generate(devices=1))
        import_file([row])
        assert reject_of([row | {column: value}]) == (column, "registered_differently")

    def test_mac_of_another_tracker(self):
        (row,) = devices_of(generate(devices=1))
        TrackerFactory(mac=row["mac"])
        assert reject_of([row]) == ("mac", "mac_taken")

    def test_mac_of_another_devices_key(self):
        first, second, _ = devices_of(generate())
        assert reject_of([first | {"mac": second["mac"]}], accept_mac_mismatch=True) == (
            "mac",
            "mac_of_another_device",
        )

    def test_serial_of_another_tracker(self):
        (row,) = devices_of(generate(devices=1))
        TrackerFactory(serial=row["serial"])
        assert reject_of([row]) == ("serial", "serial_taken")

    def test_manufactured_in_the_future(self):
        rows = devices_of(generate(devices=1), manufactured_at="2027-01-01")
        assert reject_of(rows) == ("manufactured_at", "in_the_future")

    def test_mac_that_the_key_does_not_imply_is_a_choice(self):
        (row,) = devices_of(generate(devices=1))
        row["mac"] = "C0:00:00:00:00:01"
        assert reject_of([row]) == ("mac", "mac_mismatch")
        assert counts(import_file([row], accept_mac_mismatch=True)) == (State.DONE, 1, 0, 0)
        assert Tracker.objects.get().mac == row["mac"]
        assert counts(import_file([row])) == (State.DONE, 0, 1, 0)

    @pytest.mark.parametrize(
        ("changes", "code", "rejected"),
        [
            ({}, "duplicate_row", 1),
            ({"serial": "S9"}, "duplicate_mac", 2),
            ({"mac": "C0:00:00:00:00:01"}, "duplicate_serial", 2),
            ({"mac": "C0:00:00:00:00:01", "serial": "S9"}, "duplicate_key", 2),
        ],
    )
    def test_what_is_twice_in_the_file(self, changes, code, rejected):
        rows = devices_of(generate())
        done = import_file([*rows, rows[0] | changes])
        assert code in {reason for _, reason, _ in reasons(done)}
        assert counts(done) == (State.DONE, 4 - rejected, 0, rejected)
        told = {reject.number: " ".join(reject.problems) for reject in selectors.rejects_of(done)}
        assert told.keys() == ({5} if rejected == 1 else {2, 5})
        assert "row 2" in told[5].lower()

    def test_two_keys_of_one_device_are_no_two_devices(self):
        generate(devices=1, keys_per_device=2)
        first, second = KeyPair.objects.order_by("key_index")
        done = import_file(
            [
                {"mac": "C0:00:00:00:00:01", "key": first.hashed_key},
                {"mac": "C0:00:00:00:00:02", "key": second.hashed_key},
            ]
        )
        assert reasons(done) == [("key", "duplicate_key", 2)]

    def test_a_row_that_is_bad_anyway_takes_nothing_from_another(self):
        rows = devices_of(generate(devices=1))
        done = import_file([*rows, rows[0] | {"firmware": "=1"}])
        assert counts(done) == (State.DONE, 1, 0, 1)


class TestConfirming:
    def test_nothing_is_imported_before_it_is_confirmed(self):
        rows = devices_of(generate())
        waiting = import_file(rows, confirmed=False)
        assert (waiting.state, waiting.valid) == (State.CHECKED, 3)
        assert not Tracker.objects.exists()
        user = StaffFactory()
        importing.confirm(device_import=waiting, accept_mac_mismatch=False, actor=user, now=NOW)
        assert waiting.confirmed_by == user
        assert counts(go_on(waiting)) == (State.DONE, 3, 0, 0)

    def test_other_macs_can_be_accepted_after_the_preview(self):
        rows = devices_of(generate())
        rows[0]["mac"] = "C0:00:00:00:00:01"
        rows[1]["mac"] = "bad"
        waiting = import_file(rows, confirmed=False)
        assert (waiting.valid, waiting.rejected) == (1, 2)
        importing.confirm(device_import=waiting, accept_mac_mismatch=True, actor=None, now=NOW)
        assert counts(go_on(waiting)) == (State.DONE, 2, 0, 1)

    def test_what_changed_since_the_preview_is_seen(self):
        rows = devices_of(generate())
        waiting = import_file(rows, confirmed=False)
        TrackerFactory(serial=rows[0]["serial"])
        import_file([rows[1]])
        importing.confirm(device_import=waiting, accept_mac_mismatch=False, actor=None, now=NOW)
        assert counts(go_on(waiting)) == (State.DONE, 1, 1, 1)
        assert reasons(waiting) == [("serial", "serial_taken", 1)]

    def test_an_import_is_confirmed_once_and_only_with_something_to_import(self):
        done = import_file(devices_of(generate()))
        with pytest.raises(importing.NotWaitingError, match="it is imported"):
            importing.confirm(device_import=done, accept_mac_mismatch=False, actor=None, now=NOW)
        waiting = import_file([{"mac": "x", "key": "y"}], confirmed=False)
        with pytest.raises(importing.NotWaitingError, match="No row"):
            importing.confirm(device_import=waiting, accept_mac_mismatch=False, actor=None, now=NOW)

    def test_cancelled_import_keeps_no_rows_but_the_rejected(self):
        rows = devices_of(generate())
        rows[0]["mac"] = "bad"
        waiting = import_file(rows, confirmed=False)
        importing.cancel(device_import=waiting, actor=None, now=NOW)
        assert counts(go_on(waiting)) == (State.CANCELLED, 0, 0, 1)
        assert DeviceImportRow.objects.count() == 1
        with pytest.raises(importing.NotWaitingError, match="has ended"):
            importing.cancel(device_import=waiting, actor=None, now=NOW)

    def test_what_nobody_confirms_is_given_up_and_rejects_are_forgotten(self):
        import_file([{"mac": "x", "key": "y"}])
        waiting = import_file(devices_of(generate()), confirmed=False)
        assert importing.clean_up(now=NOW + timedelta(days=6)) == 0
        importing.clean_up(now=NOW + timedelta(days=8))
        waiting.refresh_from_db()
        assert waiting.state == State.CANCELLED
        assert importing.clean_up(now=NOW + timedelta(days=200)) == 1
        assert not DeviceImportRow.objects.exists()


class Kill(BaseException):
    pass


class TestChunks:
    @pytest.fixture(autouse=True)
    def small_chunks(self, monkeypatch):
        monkeypatch.setattr(importing, "DEVICES_PER_CHECK", 2)
        monkeypatch.setattr(importing, "DEVICES_PER_IMPORT", 2)

    def test_progress_is_committed_with_each_chunk(self):
        started = receive(devices_of(generate(devices=5)))
        seen = []
        while importing.continue_import(device_import=started, now=NOW):
            started.refresh_from_db()
            seen.append((started.state, started.checked, started.imported))
        assert seen == [
            (State.QUEUED, 2, 0),
            (State.QUEUED, 4, 0),
            (State.IMPORTING, 5, 0),
            (State.IMPORTING, 5, 2),
            (State.IMPORTING, 5, 4),
            (State.IMPORTING, 5, 5),
        ]

    def test_killed_import_goes_on_where_it_stopped(self, monkeypatch):
        started = receive(devices_of(generate(devices=5)))
        register, calls = registering.register_devices, []

        def dies_at_the_second(**arguments):
            register(**arguments)
            calls.append(arguments)
            if len(calls) == 2:
                raise Kill

        monkeypatch.setattr(registering, "register_devices", dies_at_the_second)
        with pytest.raises(Kill):
            go_on(started)
        started.refresh_from_db()
        assert (started.imported, Tracker.objects.count()) == (2, 2)
        assert counts(go_on(started)) == (State.DONE, 5, 0, 0)
        assert not KeyPair.objects.filter(tracker=None).exists()

    def test_cancelling_midway_leaves_what_is_in_stock(self):
        started = receive(devices_of(generate(devices=5)))
        for _ in range(4):
            importing.continue_import(device_import=started, now=NOW)
        importing.cancel(device_import=started, actor=None, now=NOW)
        assert counts(go_on(started)) == (State.CANCELLED, 2, 0, 0)
        assert Tracker.objects.count() == 2

    def test_workers_drain_what_waits_the_oldest_first(self):
        imports = [receive(devices_of(generate(label))) for label in ("A", "B")]
        waiting = import_file(devices_of(generate("C")), confirmed=False)
        assert importing.continue_all(clock=lambda: NOW, time_budget_s=10) == 2
        for each in [*imports, waiting]:
            each.refresh_from_db()
        assert [each.state for each in [*imports, waiting]] == [State.DONE, State.DONE, State.CHECKED]

    def test_an_import_that_breaks_keeps_no_other_waiting(self, monkeypatch):
        broken, other = (receive(devices_of(generate(label))) for label in ("A", "B"))
        step = importing._next_batch

        def breaks(import_id, now):
            if import_id == broken.pk:
                raise ZeroDivisionError
            return step(import_id, now)

        monkeypatch.setattr(importing, "_next_batch", breaks)
        importing.continue_all(clock=lambda: NOW, time_budget_s=10)
        other.refresh_from_db()
        broken.refresh_from_db()
        assert (other.state, broken.state) == (State.DONE, State.QUEUED)

    def test_race_that_is_never_won_ends_in_a_failure_that_says_what_to_do(self, monkeypatch):
        started = receive(devices_of(generate()))

        def loses(**arguments):
            raise IntegrityError

        monkeypatch.setattr(registering, "register_devices", loses)
        assert counts(go_on(started)) == (State.FAILED, 0, 0, 0)
        assert "send the file again" in started.failure


class TestManufacturers:
    def test_key_of_anothers_batch_is_unknown_to_a_manufacturer(self):
        alpha, beta = (manufacturer(name) for name in ("Alpha Works", "Beta Works"))
        theirs = generate(devices=1, manufacturer=beta)
        assert reject_of(devices_of(theirs), manufacturer=alpha) == ("key", "unknown_key")
        assert counts(import_file(devices_of(theirs), manufacturer=beta)) == (State.DONE, 1, 0, 0)

    def test_registered_device_of_anothers_batch_is_unknown_too(self):
        alpha, beta = (manufacturer(name) for name in ("Alpha Works", "Beta Works"))
        rows = devices_of(generate(devices=1, manufacturer=beta))
        import_file(rows)
        assert reject_of(rows, manufacturer=alpha) == ("key", "unknown_key")

    @pytest.mark.parametrize("column", ["private_key", "production_run"])
    def test_only_ops_bring_private_keys_and_runs(self, column):
        rows = devices_of(generate(devices=1), **{column: "1"})
        with pytest.raises(staging.OpsOnlyError):
            receive(rows, manufacturer=manufacturer("Alpha Works"))
        assert not DeviceImport.objects.exists()


def manufacturer(name):
    return Manufacturer.objects.create(name=name)


class TestRuns:
    def test_device_of_a_run_is_active_and_assigned_from_its_start(self):
        run = RunFactory(name="Spring", start_date=date(2026, 2, 1))
        done = import_file(devices_of(generate(devices=1), production_run="Spring"))
        assert counts(done) == (State.DONE, 1, 0, 0)
        tracker = Tracker.objects.get()
        assert tracker.state == Tracker.State.ACTIVE
        assert tracker.latest_assignment.run == run
        assert tracker.latest_assignment.period.lower == datetime(2026, 2, 1, tzinfo=UTC)

    def test_run_is_named_by_its_id_where_names_repeat(self):
        run, _ = RunFactory(name="Spring"), RunFactory(name="Spring")
        rows = devices_of(generate(devices=1))
        assert reject_of([rows[0] | {"production_run": "Spring"}]) == ("production_run", "unknown_run")
        import_file([rows[0] | {"production_run": str(run.pk)}])
        assert Tracker.objects.get().latest_assignment.run == run

    def test_run_that_ended(self):
        RunFactory(name="Old", start_date=date(2025, 1, 1), end_date=date(2025, 12, 31))
        rows = devices_of(generate(devices=1), production_run="Old")
        assert reject_of(rows) == ("production_run", "run_ended")


@pytest.mark.django_db(transaction=True)
def test_two_imports_of_the_same_devices_at_the_same_time_take_each_once(monkeypatch):
    monkeypatch.setattr(importing, "DEVICES_PER_IMPORT", 10)
    rows = devices_of(generate(devices=60))
    imports = [receive(rows, confirmed=True) for _ in range(3)]

    def work(device_import):
        try:
            go_on(device_import)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work, args=(each,)) for each in imports]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Tracker.objects.count() == 60
    assert sum(each.imported for each in imports) == 60
    assert sum(each.unchanged for each in imports) == 120
    assert {each.state for each in imports} == {State.DONE}


def test_rows_are_judged_by_indexes_alone(django_assert_max_num_queries, planner):
    device_import = receive(devices_of(generate(devices=50)))
    with django_assert_max_num_queries(12):
        importing.continue_import(device_import=device_import, now=NOW)
    parameters = {"import_id": device_import.pk, "outcome": "VALID", "first": 1, "last": 60}
    plan = plans.explain(importing.FACTS_OF_ROWS, parameters)
    read_whole = {node["Relation Name"] for node in plan if node["Node Type"] == "Seq Scan"}
    assert read_whole <= {"clients_productionrun"}


@pytest.mark.parametrize("format_code", ["csv", "json"])
@pytest.mark.parametrize("keys_per_device", [1, 3])
def test_export_comes_back_as_it_is(format_code, keys_per_device):
    """Also one with several keys for each device: only the row of the first tells the device's MAC. Each row counts."""
    batch = generate(devices=4, keys_per_device=keys_per_device)
    out = io.BytesIO()
    exporting.export_batch(batch=batch, format_code=format_code, actor=None, now=NOW, out=out)
    device_import = import_file(out.getvalue(), batch=batch)
    assert counts(device_import) == (State.DONE, 4 * keys_per_device, 0, 0)
    assert device_import.devices == Tracker.objects.count() == 4
    first_keys = KeyPair.objects.filter(batch=batch, key_index=0).order_by("device_index")
    assert [pair.mac for pair in first_keys] == [pair.tracker.mac for pair in first_keys]
    assert not KeyPair.objects.filter(batch=batch).exclude(device_import=device_import).exists()
    assert counts(import_file(out.getvalue(), batch=batch)) == (State.DONE, 0, 4 * keys_per_device, 0)
