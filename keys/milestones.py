"""What keys tell of a tracker's life: its batch, the batch's exports, and the file that the device came by."""

from django.urls import reverse

from keys.exports.formats import FORMATS
from keys.models import KeyPair, ManufacturerExport
from trackers.admin import lifecycle
from trackers.admin.lifecycle import MAX_REPEATS, Milestone, Stage
from trackers.models import Tracker


def _first_pair(tracker: Tracker) -> KeyPair | None:
    pairs = KeyPair.objects.filter(tracker=tracker).order_by("key_index", "pk")
    related = pairs.select_related("batch__created_by", "device_import__created_by")
    return related.defer("sealed_private_key").first()


def _batch(tracker: Tracker) -> list[Milestone]:
    pair = _first_pair(tracker)
    if pair is None:
        return []
    batch = pair.batch
    return [
        Milestone(
            "Keys generated",
            batch.generated_at or batch.created_at,
            actor=str(batch.created_by or ""),
            url=reverse("admin:keys_keybatch_change", args=[batch.pk]),
            detail=f"Batch {batch}, device {pair.device_index}",
        )
    ]


def _exports(tracker: Tracker) -> list[Milestone]:
    """The batch's latest exports up to the time when the device was there, and that they arrived."""
    pair = _first_pair(tracker)
    if pair is None:
        return []
    earlier = ManufacturerExport.objects.filter(batch=pair.batch_id, created_at__lte=tracker.created_at)
    exports = earlier.select_related("created_by", "acknowledged_by").order_by("-created_at")[:MAX_REPEATS]
    return [milestone for export in exports for milestone in _of_export(export)]


def _of_export(export: ManufacturerExport) -> list[Milestone]:
    url = reverse("admin:keys_manufacturerexport_change", args=[export.pk])
    title = FORMATS[export.format].title if export.format in FORMATS else export.format
    detail = f"{title}, SHA-256 {export.sha256[:12]}…"
    milestones = [
        Milestone("Keys exported", export.created_at, str(export.created_by or ""), url, detail),
    ]
    if export.acknowledged_at:
        actor = str(export.acknowledged_by or "")
        milestones.append(Milestone("Export acknowledged", export.acknowledged_at, actor, url, detail))
    return milestones


def _import(tracker: Tracker) -> list[Milestone]:
    pair = _first_pair(tracker)
    device_import = pair.device_import if pair else None
    if device_import is None:
        return []
    return [
        Milestone(
            "Devices sent for import",
            device_import.created_at,
            actor=str(device_import.created_by or ""),
            url=reverse("admin:keys_deviceimport_change", args=[device_import.pk]),
            detail=f"{device_import.file_name}, {device_import.imported:,} imported",
        )
    ]


lifecycle.register(
    Stage(10, "key", _batch), Stage(20, "file_export", _exports), Stage(30, "upload_file", _import)
)
