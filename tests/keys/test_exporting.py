import hashlib
import io

import pytest
from structlog.testing import capture_logs

from keys.exports.formats import FORMATS
from keys.models import KeyPair, ManufacturerExport
from keys.services import exporting, generating
from tests.factories import NOW, StaffFactory

pytestmark = pytest.mark.django_db


def export(batch, code="csv", **changes):
    return exporting.export_batch(batch=batch, format_code=code, **({"actor": None, "now": NOW} | changes))


@pytest.mark.parametrize("code", FORMATS)
def test_export_is_recorded_with_what_was_written(generate, code):
    actor, out = StaffFactory(), io.BytesIO()
    recorded = export(generate(), code, actor=actor, out=out)
    content = out.getvalue()
    assert recorded.sha256 == hashlib.sha256(content).hexdigest()
    assert (recorded.rows, recorded.size_bytes) == (6, len(content))
    assert (recorded.format, recorded.created_at, recorded.created_by) == (code, NOW, actor)
    assert recorded.audit.get().pgh_context["user"] == actor.pk


@pytest.mark.parametrize("code", FORMATS)
def test_export_comes_again_byte_for_byte(generate, code, monkeypatch):
    out = io.BytesIO()
    recorded = export(generate(), code, out=out)
    monkeypatch.setattr(exporting, "DEVICES_PER_QUERY", 2)
    assert b"".join(exporting.stream_export(export=recorded, actor=None)) == out.getvalue()
    assert export(recorded.batch, code).sha256 == recorded.sha256


def test_devices_come_in_order_with_their_keys_in_order(generate, monkeypatch):
    monkeypatch.setattr(exporting, "DEVICES_PER_QUERY", 2)
    batch, out = generate(devices=5, keys_per_device=3), io.BytesIO()
    export(batch, "payloads", out=out)
    rows = [line.split(",") for line in out.getvalue().decode().splitlines()[1:]]
    assert [(row[0], int(row[1])) for row in rows] == [
        (f"K{batch.pk}-{device:06}", key) for device in range(5) for key in range(3)
    ]
    macs = KeyPair.objects.order_by("device_index", "key_index").values_list("mac", flat=True)
    assert [row[2] for row in rows] == list(macs)


def test_queries_grow_with_chunks_of_devices_and_use_the_index(generate, django_assert_num_queries):
    batch = generate(devices=5, keys_per_device=1)
    with django_assert_num_queries(4):  # keys, savepoint, insert, release
        export(batch)


def test_file_that_changed_breaks_off_before_its_end(generate):
    recorded = export(generate())
    KeyPair.objects.filter(pk=KeyPair.objects.order_by("pk")[0].pk).delete()
    with capture_logs() as logs, pytest.raises(exporting.ExportChangedError, match="make a new one"):
        list(exporting.stream_export(export=recorded, actor=None))
    assert logs[-1]["event"] == "key_export_changed"


def test_unfinished_batch_and_unknown_format_are_refused(generate):
    batch = generating.create_batch(label="Waits", devices=2, keys_per_device=1, actor=None, now=NOW)
    with pytest.raises(exporting.BatchNotExportableError, match="0 of 2 devices"):
        export(batch)
    with pytest.raises(exporting.UnknownFormatError, match="There are: c, csv, json"):
        export(generate(), "exe")
    assert not ManufacturerExport.objects.exists()


def test_too_much_for_a_page_is_refused_with_what_to_do(generate, monkeypatch):
    monkeypatch.setattr(exporting, "MAX_KEYS_ONLINE", 10)
    one, other = generate(), generate(label="Other")
    exporting.refuse_unexportable(batches=[one])
    with pytest.raises(
        exporting.BatchTooLargeError, match=r"12 keys, and here at most 10 .* `manage.py export_keys`"
    ):
        exporting.refuse_unexportable(batches=[one, other])


def test_download_is_logged_with_who(generate):
    recorded = export(generate())
    with capture_logs() as logs:
        list(exporting.stream_export(export=recorded, actor=StaffFactory(username="ops")))
    assert (logs[0]["event"], logs[0]["who"], logs[0]["export"]) == (
        "key_export_downloaded",
        "ops",
        recorded.pk,
    )


def test_acknowledgement_is_recorded_once(generate):
    recorded, first, second = export(generate()), StaffFactory(), StaffFactory()
    later = NOW.replace(hour=13)
    checksum = recorded.sha256.upper()
    exporting.acknowledge_export(export=recorded, sha256=checksum, actor=first, now=NOW)
    again = exporting.acknowledge_export(export=recorded, sha256=recorded.sha256, actor=second, now=later)
    assert (again.acknowledged_at, again.acknowledged_by) == (NOW, first)
    assert recorded.audit.count() == 2


def test_wrong_checksum_is_refused_and_says_what_to_do(generate):
    recorded = export(generate())
    with pytest.raises(exporting.ChecksumMismatchError, match="Download it again"):
        exporting.acknowledge_export(export=recorded, sha256="0" * 64, actor=StaffFactory(), now=NOW)
    recorded.refresh_from_db()
    assert recorded.acknowledged_at is None
