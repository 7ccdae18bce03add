"""Files of devices over the API: from ops and from manufacturers, each seeing its own."""

import io
import json

import pytest
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from rest_framework.test import APIClient

from keys.models import DeviceImport, Manufacturer
from keys.services import importing
from tests.factories import NOW, StaffFactory, UserFactory
from tests.keys.device_files import as_csv, as_json, devices_of, generate, receive
from tests.personas import make_token
from trackers.models import Tracker

pytestmark = pytest.mark.django_db

URL = "/api/v1/device-imports/"
PROBLEM = "application/problem+json"


@pytest.fixture(autouse=True)
def own_cache(settings):
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    cache.clear()


def client_of(user):
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Token {make_token(user)}")
    return client


@pytest.fixture
def ops():
    return client_of(StaffFactory())


def maker(name):
    user = UserFactory()
    manufacturer = Manufacturer.objects.create(name=name)
    manufacturer.users.add(user)
    return manufacturer, client_of(user)


@pytest.fixture
def alpha():
    return maker("Alpha Works")


@pytest.fixture
def beta():
    return maker("Beta Works")


def send(client, content, name="devices.csv", **options):
    return client.post(URL, {"file": SimpleUploadedFile(name, content), **options}, format="multipart")


class TestSending:
    def test_form_with_a_file_is_imported_at_once(self, ops):
        answer = send(ops, as_csv(devices_of(generate())), batch="Batch")
        assert answer.status_code == 201
        told = answer.json()
        assert (told["state"], told["imported"], told["batch"]) == ("DONE", 3, "Batch")
        assert Tracker.objects.count() == 3
        assert ops.get(f"{URL}{told['id']}/").json() == told

    def test_body_may_be_the_file_itself(self, ops):
        rows = devices_of(generate())
        rows[0]["mac"] = "C0:00:00:00:00:01"
        first = ops.post(f"{URL}?dry_run=false", as_json(rows), content_type="application/json").json()
        assert (first["imported"], first["rejected"]) == (2, 1)
        assert [(reason["code"], reason["first"]) for reason in first["reasons"]] == [("mac_mismatch", 1)]
        url = f"{URL}?accept_mac_mismatch=true"
        second = ops.post(url, as_csv(rows), content_type="text/csv").json()
        assert (second["imported"], second["unchanged"], second["rejected"]) == (1, 2, 0)

    def test_dry_run_waits_to_be_confirmed(self, ops):
        checked = send(ops, as_csv(devices_of(generate())), dry_run="true").json()
        assert (checked["state"], checked["valid"]) == ("CHECKED", 3)
        assert not Tracker.objects.exists()
        confirm = f"{URL}{checked['id']}/confirm/"
        assert ops.post(confirm).json()["imported"] == 3
        again = ops.post(confirm)
        assert (again.status_code, again.json()["code"]) == (409, "import_not_waiting")

    def test_larger_file_is_left_to_a_worker(self, ops, monkeypatch):
        monkeypatch.setattr(importing, "ROWS_AT_ONCE", 2)
        answer = send(ops, as_csv(devices_of(generate())))
        assert (answer.status_code, answer.json()["state"]) == (202, "QUEUED")

    def test_rejects_come_as_a_file_to_mend(self, ops):
        rows = devices_of(generate(devices=1), firmware="=1+1")
        told = send(ops, as_csv(rows)).json()
        answer = ops.get(f"{URL}{told['id']}/rejects.csv")
        text = b"".join(answer.streaming_content).decode()
        assert answer["Content-Type"] == "text/csv; charset=utf-8"
        assert "'=1+1" in text
        assert "leave that off" in text

    def test_list_costs_the_same_for_many(self, ops, django_assert_max_num_queries):
        for label in "ABCDE":
            receive(devices_of(generate(label, devices=1)))
        with django_assert_max_num_queries(6):
            answer = ops.get(URL).json()
        assert answer["count"] == 5


class TestFleets:
    def test_files_of_other_programs_are_read_with_what_is_worth_knowing(self, ops):
        key = "0bQfSA3A6Tfae+6CCGGPMVsD1MXN81VEJvHCPQ=="
        device = {"id": 1, "name": "bike", "privateKey": key, "additionalKeys": []}
        told = send(ops, json.dumps([device]).encode(), name="devices.json").json()
        assert (told["imported"], told["devices"], told["warned"]) == (1, 1, 1)
        assert [warning["code"] for warning in told["warnings"]] == ["key_begins_with_zero"]
        assert told["passed_over"] == "the column id"
        assert Tracker.objects.get().serial == "bike"
        assert ops.get(f"{URL}{told['id']}/").json() == told

    def test_format_that_can_not_be_read_is_named(self, ops):
        answer = send(ops, b'[{"colorComponents": [1], "privateKey": "', name="devices.json")
        assert (answer.status_code, answer.json()["code"]) == (400, "unreadable_file")
        assert answer.json()["detail"].startswith("This looks like an OpenHaystack export, but")

    def test_manufacturers_bring_no_private_keys_in_these_either(self, alpha):
        _, client = alpha
        answer = send(client, b"Private key: AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHA==\n", name="BIKE.keys")
        assert (answer.status_code, answer.json()["code"]) == (403, "ops_only")


class TestBadInput:
    @pytest.mark.parametrize(
        ("content", "said"),
        [
            (
                b"mac,key\nA,\xff\n",
                "Row 2 is not in UTF-8: it has the byte 0xFF (at position 10 of the file). Save it as “CSV UTF-8”",
            ),
            (b"mac,key,extra\n1,2,3\n", "Unknown column"),
            ("mac,key\n".encode("utf-16"), "UTF-16"),
            (b"mac;key\n", "nothing below its header"),
        ],
    )
    def test_unreadable_file_is_refused_whole(self, ops, content, said):
        answer = send(ops, content)
        assert (answer.status_code, answer["Content-Type"]) == (400, PROBLEM)
        assert answer.json()["code"] == "unreadable_file"
        assert said in answer.json()["detail"]
        assert not DeviceImport.objects.exists()

    def test_empty_file_and_none_at_all(self, ops):
        assert "empty" in ops.post(URL, b" ", content_type="text/csv").json()["detail"].lower()
        answer = ops.post(URL, {"batch": "x"}, format="multipart")
        assert (answer.status_code, answer.json()["code"]) == (400, "file_missing")

    def test_unknown_batch_and_options(self, ops):
        content = as_csv(devices_of(generate()))
        answer = send(ops, content, batch="Nope")
        assert (answer.status_code, answer.json()["code"]) == (400, "unknown_batch")
        answer = send(ops, content, accept_mac_mismatch="perhaps")
        assert "accept_mac_mismatch" in answer.json()["errors"]
        answer = ops.post(f"{URL}?acept=1", content, content_type="text/csv")
        assert "acept" in answer.json()["errors"]
        assert not DeviceImport.objects.exists()

    def test_file_that_is_no_file_is_refused(self, ops):
        answer = ops.post(URL, {"file": "mac,key"}, format="multipart")
        assert (answer.status_code, answer.json()["code"]) == (400, "file_missing")

    def test_path_in_a_file_name_leads_nowhere(self, ops):
        told = send(ops, as_csv(devices_of(generate())), name="..\\..\\x\u202e.csv").json()
        assert told["file_name"] == "x.csv"


class Unread(io.RawIOBase):
    """A body that must not be touched."""

    def readable(self):
        return True

    def read(self, size=-1):
        raise AssertionError("the body was read")


class TestSize:
    @pytest.mark.parametrize(
        "content_type", ["text/csv", "application/json", "multipart/form-data; boundary=x"]
    )
    def test_a_gigabyte_is_refused_before_it_is_read(self, content_type):
        token = make_token(StaffFactory())
        answer = Client().generic(
            "POST",
            URL,
            b"",
            content_type,
            headers={"authorization": f"Token {token}"},
            **{"wsgi.input": Unread(), "CONTENT_LENGTH": str(2**30)},
        )
        assert (answer.status_code, answer.json()["code"]) == (413, "file_too_large")
        assert "32 MB" in answer.json()["detail"]

    @pytest.mark.parametrize("length", ["", "-1", "many", "²"])
    def test_body_of_unknown_length_is_refused(self, length):
        """Chunked, for example."""
        token = make_token(StaffFactory())
        answer = Client().generic(
            "POST",
            URL,
            b"",
            "text/csv",
            headers={"authorization": f"Token {token}", "transfer-encoding": "chunked"},
            **{"wsgi.input": Unread(), "CONTENT_LENGTH": length},
        )
        assert (answer.status_code, answer.json()["code"]) == (411, "length_required")

    @pytest.mark.parametrize("content_type", ["text/csv", "multipart/form-data; boundary=x"])
    def test_no_more_is_read_than_was_declared(self, content_type):
        token = make_token(StaffFactory())
        body = io.BytesIO(b"mac,key\n" + b"x" * 100_000)
        Client().generic(
            "POST",
            URL,
            b"",
            content_type,
            headers={"authorization": f"Token {token}"},
            **{"wsgi.input": body, "CONTENT_LENGTH": "10"},
        )
        assert body.tell() <= 10

    def test_file_above_the_limit_is_dropped_though_its_envelope_fits(self, ops, settings):
        settings.IMPORT_MAX_MB = 0
        answer = send(ops, b"mac,key\n" + b"x" * 1000)
        assert answer.status_code in (400, 413)
        assert not DeviceImport.objects.exists()


class TestManufacturers:
    def test_manufacturer_registers_devices_of_its_own_batches(self, alpha):
        manufacturer, client = alpha
        told = send(client, as_csv(devices_of(generate(manufacturer=manufacturer))), batch="Batch").json()
        assert (told["state"], told["imported"]) == ("DONE", 3)
        assert DeviceImport.objects.get().manufacturer == manufacturer

    def test_batches_and_imports_of_another_do_not_exist(self, alpha, beta):
        _, client = alpha
        theirs, their_client = beta
        rows = devices_of(generate(manufacturer=theirs))
        told = send(client, as_csv(rows)).json()
        assert told["rejected"] == 3
        assert {reason["code"] for reason in told["reasons"]} == {"unknown_key"}
        assert "Batch" not in json.dumps(told["reasons"])
        assert send(client, as_csv(rows), batch="Batch").json()["code"] == "unknown_batch"
        assert [each["id"] for each in client.get(URL).json()["results"]] == [told["id"]]
        assert their_client.get(URL).json()["results"] == []
        for path in ("", "rejects.csv"):
            assert their_client.get(f"{URL}{told['id']}/{path}").status_code == 404
        assert their_client.post(f"{URL}{told['id']}/confirm/").status_code == 404

    @pytest.mark.parametrize("column", ["private_key", "production_run"])
    def test_private_keys_and_runs_are_for_ops(self, alpha, column):
        manufacturer, client = alpha
        rows = devices_of(generate(manufacturer=manufacturer), **{column: "x"})
        answer = send(client, as_csv(rows))
        assert (answer.status_code, answer.json()["code"]) == (403, "ops_only")
        assert not DeviceImport.objects.exists()

    def test_user_of_several_manufacturers_names_the_batch(self, alpha):
        manufacturer, client = alpha
        other = Manufacturer.objects.create(name="Gamma Works")
        other.users.add(manufacturer.users.get())
        content = as_csv(devices_of(generate(manufacturer=other)))
        assert send(client, content).json()["code"] == "unknown_batch"
        assert send(client, content, batch="Batch").json()["imported"] == 3

    def test_worker_goes_on_with_what_a_manufacturer_sent(self, alpha, monkeypatch):
        monkeypatch.setattr(importing, "ROWS_AT_ONCE", 0)
        manufacturer, client = alpha
        told = send(client, as_csv(devices_of(generate(manufacturer=manufacturer)))).json()
        importing.continue_all(clock=lambda: NOW, time_budget_s=10)
        assert client.get(f"{URL}{told['id']}/").json()["imported"] == 3
