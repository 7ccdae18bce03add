"""Key batches in the admin: asked for, watched, cancelled, resumed, exported, downloaded."""

import hashlib

import pytest
from django.urls import reverse

from keys import tasks
from keys.exports.formats import FORMATS
from keys.models import KeyBatch, ManufacturerExport
from keys.services import exporting, generating
from simulation.devices import make_batch
from tests.factories import NOW, ManufacturerFactory, StaffFactory

ADD = "admin:keys_keybatch_add"
NEW = {"label": "Spring", "devices": 3, "keys_per_device": 2, "manufacturer": "", "note": "For June"}


@pytest.fixture
def asked(monkeypatch) -> list[str]:
    """What workers were asked to do."""
    asked: list[str] = []
    monkeypatch.setattr(tasks.generate_keys, "delay_on_commit", lambda: asked.append("generate"))
    return asked


@pytest.fixture
def batch(db) -> KeyBatch:
    return make_batch(label="Done", devices=3, keys_per_device=2, actor=None, now=NOW)


@pytest.fixture
def waiting(db) -> KeyBatch:
    return generating.create_batch(label="Waits", devices=8, keys_per_device=1, actor=None, now=NOW)


def page(batch: KeyBatch) -> str:
    return reverse("admin:keys_keybatch_change", args=[batch.pk])


def take(ops, batch: KeyBatch, step: str, **values: str):
    url = reverse("admin:keys_keybatch_do", args=[batch.pk, step])
    return ops.post(url, {"confirmed": "1"} | values, follow=True)


def steps_of(ops, batch: KeyBatch) -> list[str]:
    return [item["step"].name for item in ops.get(page(batch)).context["steps"]]


def test_batch_is_asked_for_and_queued(ops, asked):
    manufacturer = ManufacturerFactory()
    answer = ops.post(reverse(ADD), NEW | {"manufacturer": manufacturer.pk})
    batch = KeyBatch.objects.get()
    assert answer["Location"] == page(batch)
    assert (batch.label, batch.devices, batch.keys_per_device, batch.note) == ("Spring", 3, 2, "For June")
    assert (batch.state, batch.manufacturer, batch.created_by.username) == ("QUEUED", manufacturer, "ops")
    assert asked == ["generate"]
    tasks.generate_keys()
    batch.refresh_from_db()
    assert batch.state == KeyBatch.State.GENERATED


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"devices": 0}, "at least one device"),
        ({"keys_per_device": 51}, "each 1 to 50 keys"),
        ({"devices": 200_000, "keys_per_device": 50}, "at most 5,000,000"),
        ({"label": "Done"}, "Key batch with this Label already exists"),
        ({"label": ""}, "This field is required"),
        ({"devices": "many"}, "Enter a whole number"),
    ],
)
def test_impossible_batch_is_refused_in_the_form(ops, asked, batch, changes, message):
    answer = ops.post(reverse(ADD), NEW | changes)
    assert answer.status_code == 200
    assert message in answer.content.decode()
    assert KeyBatch.objects.count() == 1
    assert asked == []


def test_missing_master_key_is_said_in_the_form(ops, asked, settings):
    settings.VAULT_MASTER_KEYS = []
    assert "no master key is configured" in ops.post(reverse(ADD), NEW).content.decode()
    assert not KeyBatch.objects.exists()


def test_manufacturer_and_note_may_change_and_nothing_else(ops, batch):
    manufacturer = ManufacturerFactory()
    ops.post(page(batch), {"manufacturer": manufacturer.pk, "note": "New", "label": "Other", "devices": 9})
    batch.refresh_from_db()
    assert (batch.manufacturer, batch.note, batch.label, batch.devices) == (manufacturer, "New", "Done", 3)
    assert ops.post(reverse("admin:keys_keybatch_delete", args=[batch.pk])).status_code == 403


def test_progress_is_told_while_it_goes_on(ops, waiting, monkeypatch):
    monkeypatch.setattr(generating, "KEYS_PER_TRANSACTION", 2)
    generating.continue_batch(batch=waiting, now=NOW)
    told = ops.get(reverse("admin:keys_keybatch_progress", args=[waiting.pk])).json()
    assert (told["percent"], told["running"]) == (25, True)
    assert told["text"] == "Generating: 2 of 8 devices have their keys."


def test_only_what_can_be_done_is_offered(ops, batch, waiting):
    assert steps_of(ops, batch) == ["export"]
    assert steps_of(ops, waiting) == ["cancel"]
    generating.cancel_batch(batch=waiting, actor=None)
    assert steps_of(ops, waiting) == ["resume"]


def test_batch_is_cancelled_and_resumed(ops, waiting, asked):
    ask = ops.get(reverse("admin:keys_keybatch_do", args=[waiting.pk, "cancel"])).content.decode()
    assert "0 devices keep the keys that they have" in ask
    assert "Cancelled. 0 devices keep" in take(ops, waiting, "cancel").content.decode()
    waiting.refresh_from_db()
    assert waiting.state == KeyBatch.State.CANCELLED
    assert asked == []
    take(ops, waiting, "resume")
    waiting.refresh_from_db()
    assert waiting.state == KeyBatch.State.QUEUED
    assert asked == ["generate"]
    assert "only a cancelled batch is resumed" in take(ops, waiting, "resume").content.decode()


@pytest.mark.parametrize("code", FORMATS)
def test_export_is_recorded_and_downloaded(ops, batch, code):
    answer = take(ops, batch, "export", format=code)
    export = ManufacturerExport.objects.get()
    assert (export.format, export.created_by.username) == (code, "ops")
    url = reverse("admin:keys_manufacturerexport_download", args=[export.pk])
    assert f'href="{url}"' in answer.content.decode()
    download = ops.get(url)
    assert hashlib.sha256(download.getvalue()).hexdigest() == export.sha256
    assert exporting.file_name(export) in download["Content-Disposition"]


def test_several_batches_are_exported_or_none(ops, batch, waiting):
    data = {"action": "export", "confirmed": "1", "_selected_action": [batch.pk, waiting.pk], "format": "csv"}
    answer = ops.post(reverse("admin:keys_keybatch_changelist"), data, follow=True)
    assert "Waits is not generated yet" in answer.content.decode()
    assert not ManufacturerExport.objects.exists()


def test_staff_without_permission_download_nothing(client, batch):
    export = exporting.export_batch(batch=batch, format_code="csv", actor=None, now=NOW)
    client.force_login(StaffFactory())
    assert client.get(reverse("admin:keys_manufacturerexport_download", args=[export.pk])).status_code == 404
