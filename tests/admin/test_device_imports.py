"""Device imports in the admin: upload, preview with the reasons, confirm, watch, fix."""

from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from keys.admin import imports as admin_imports
from keys.models import DeviceImport
from keys.services import importing
from tests.factories import NOW, AdminFactory, StaffFactory
from tests.keys.device_files import (
    PRIVATE_KEY,
    PRIVATE_KEY_MAC,
    as_csv,
    devices_of,
    generate,
    import_file,
    receive,
)
from tests.keys.test_import_api import Unread
from tests.keys.test_import_cases import ZERO
from tests.keys.test_importing_several_keys import FLEET
from trackers.models import Tracker

pytestmark = pytest.mark.django_db

ADD = "admin:keys_deviceimport_add"


def upload(ops: Client, content: bytes, **fields: Any) -> Any:
    file = SimpleUploadedFile("devices.csv", content)
    return ops.post(reverse(ADD), {"file": file, **fields}, follow=True)


def page_of(ops: Client, device_import: DeviceImport, query: str = "") -> str:
    url = reverse("admin:keys_deviceimport_change", args=[device_import.pk])
    return ops.get(f"{url}{query}").content.decode()


def take(ops: Client, device_import: DeviceImport, step: str, **values: Any) -> Any:
    url = reverse("admin:keys_deviceimport_do", args=[device_import.pk, step])
    return ops.post(url, {"confirmed": "1", **values}, follow=True)


def test_upload_shows_each_row_and_imports_nothing(ops: Client) -> None:
    rows = devices_of(generate())
    rows[1]["mac"] = "1.23457E+11"
    answer = upload(ops, as_csv(rows))
    page = answer.content.decode()
    assert answer.redirect_chain
    assert "Nothing is imported yet: 2 rows can be, 0 are in stock already, 1 are rejected." in page
    assert "Mangled by spreadsheet" in page
    assert "a spreadsheet took the MAC for a number" in page
    assert rows[0]["mac"] in page
    assert [step["step"].name for step in answer.context["steps"]] == ["confirm", "cancel"]
    assert not Tracker.objects.exists()


def test_confirmed_import_goes_on_in_the_background(ops: Client) -> None:
    rows = devices_of(generate())
    rows[0]["mac"] = "C0:00:00:00:00:01"
    upload(ops, as_csv(rows))
    device_import = DeviceImport.objects.get()
    ask = ops.get(reverse("admin:keys_deviceimport_do", args=[device_import.pk, "confirm"]))
    assert "2 devices are received into stock" in ask.content.decode()
    take(ops, device_import, "confirm", accept_mac_mismatch="on")
    importing.continue_all(clock=lambda: NOW, time_budget_s=10)
    assert Tracker.objects.count() == 3
    assert "3 imported, 0 unchanged, 0 rejected of 3." in page_of(ops, device_import)


def test_rejects_are_downloaded_and_preview_is_paged(ops: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admin_imports, "ROWS_PER_PAGE", 2)
    rows = devices_of(generate(devices=5))
    for row in rows[:3]:
        row["serial"] = f"={row['serial']}"
    waiting = import_file(rows, confirmed=False)
    assert "after=3" in page_of(ops, waiting)
    rejected = page_of(ops, waiting, "?show=REJECTED")
    assert "after=3" in rejected
    assert rows[3]["mac"] not in rejected
    assert rows[2]["mac"] in page_of(ops, waiting, "?show=REJECTED&after=3")
    answer = ops.get(reverse("admin:keys_deviceimport_rejects", args=[waiting.pk]))
    assert b"".join(answer.streaming_content).count(b"\r\n") == 4
    assert "'=" in b"".join(ops.get(answer.request["PATH_INFO"]).streaming_content).decode()


@pytest.mark.parametrize(
    "query", ["?after=²", "?after=99999999999", "?show=NOTHING", "?show=REJECTED&after=-1"]
)
def test_preview_takes_any_parameters(ops: Client, query: str) -> None:
    assert "Rows" in page_of(ops, import_file(devices_of(generate()), confirmed=False), query)


def test_larger_file_is_checked_by_a_worker_with_progress(
    ops: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "ROWS_AT_ONCE", 2)
    answer = upload(ops, as_csv(devices_of(generate())))
    assert "0 of 3 rows checked." in answer.content.decode()
    progress = ops.get(answer.context["progress_url"]).json()
    assert (progress["done"], progress["total"], progress["running"]) == (0, 3, True)


def test_import_can_be_cancelled(ops: Client) -> None:
    waiting = import_file(devices_of(generate()), confirmed=False)
    take(ops, waiting, "cancel")
    waiting.refresh_from_db()
    assert waiting.state == DeviceImport.State.CANCELLED
    assert ops.get(reverse("admin:keys_deviceimport_change", args=[waiting.pk])).context["steps"] == []


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"mac,key\nA,\xff\n", "Row 2 is not in UTF-8: it has the byte 0xFF"),
        (b"", "empty"),
        (b"mac;key;colour\n1;2;3\n", "Unknown column"),
        ("mac,key\n".encode("utf-16"), "UTF-16"),
    ],
)
def test_unreadable_file_is_explained_on_the_upload_page(ops: Client, content: bytes, said: str) -> None:
    answer = upload(ops, content)
    assert said in answer.content.decode()
    assert not DeviceImport.objects.exists()


def test_a_gigabyte_is_refused_before_it_is_read(ops: Client) -> None:
    length = {"wsgi.input": Unread(), "CONTENT_LENGTH": str(2**30)}
    answer = ops.generic("POST", reverse(ADD), b"", "multipart/form-data; boundary=x", **length)
    assert answer.status_code == 413
    assert "32 MB are taken at most" in answer.content.decode()


def test_body_of_unknown_length_is_refused(ops: Client) -> None:
    length = {"wsgi.input": Unread(), "CONTENT_LENGTH": ""}
    assert (
        ops.generic("POST", reverse(ADD), b"", "multipart/form-data; boundary=x", **length).status_code == 411
    )


def test_upload_is_protected_against_forgery(db: Any) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(AdminFactory())
    assert upload(client, b"mac,key\n").status_code == 403
    client.get(reverse(ADD))
    token = client.cookies["csrftoken"].value
    answer = upload(client, as_csv(devices_of(generate())), csrfmiddlewaretoken=token)
    assert answer.status_code == 200
    assert DeviceImport.objects.count() == 1


def test_who_may_not_add_imports_may_not_upload(client: Client, db: Any) -> None:
    staff = StaffFactory()
    staff.user_permissions.add(Permission.objects.get(codename="view_deviceimport"))
    client.force_login(staff)
    assert client.get(reverse(ADD)).status_code == 403
    assert upload(client, b"mac,key\n").status_code == 403
    waiting = import_file(devices_of(generate()), confirmed=False)
    assert client.get(reverse("admin:keys_deviceimport_change", args=[waiting.pk])).context["steps"] == []


@pytest.mark.parametrize("column", ["serial", "mac", "key", "private_key"])
def test_no_page_shows_a_private_key(ops: Client, column: str) -> None:
    row = {"mac": PRIVATE_KEY_MAC, "serial": "S1", "key": "", "private_key": PRIVATE_KEY[:-1]}
    answer = upload(ops, as_csv([row | {column: PRIVATE_KEY}]))
    device_import = DeviceImport.objects.get()
    rejects = ops.get(reverse("admin:keys_deviceimport_rejects", args=[device_import.pk]))
    told = answer.content.decode() + b"".join(rejects.streaming_content).decode()
    told += ops.get(reverse("admin:keys_deviceimport_changelist")).content.decode()
    assert PRIVATE_KEY[:24] not in told


def test_page_costs_the_same_for_many_rows(ops: Client, django_assert_max_num_queries: Any) -> None:
    waiting = receive(devices_of(generate(devices=60)))
    with django_assert_max_num_queries(16):
        page_of(ops, waiting)


def test_warnings_are_counted_and_listed(ops: Client) -> None:
    waiting = import_file(ZERO.encode(), confirmed=False)
    page = page_of(ops, waiting)
    assert "0 are rejected. 1 rows have warnings." in page
    assert "Key begins with zero" in page
    ask = ops.get(reverse("admin:keys_deviceimport_do", args=[waiting.pk, "confirm"])).content.decode()
    assert "1 rows have warnings: look at them before." in ask


def test_devices_with_several_keys_are_counted_beside_their_rows(ops: Client) -> None:
    waiting = import_file(FLEET, confirmed=False)
    ask = ops.get(reverse("admin:keys_deviceimport_do", args=[waiting.pk, "confirm"])).content.decode()
    assert "2 devices are received into stock" in ask
    importing.confirm(device_import=waiting, accept_mac_mismatch=False, actor=None, now=NOW)
    importing.continue_all(clock=lambda: NOW, time_budget_s=10)
    assert "6 imported (2 devices), 0 unchanged, 0 rejected of 6." in page_of(ops, waiting)
