"""What keys tell of a tracker's lifecycle: its batch, the batch's exports, and the file that the device came by."""

from foundation.wording import counted
from keys.exports.formats import FORMATS
from keys.models import KeyPair, ManufacturerExport
from trackers.models import Tracker
from trackers.pages.lifecycle import MAX_REPEATS, Milestone, Stage, reference


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
            about=reference(batch),
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
    about = reference(export)
    title = FORMATS[export.format].title if export.format in FORMATS else export.format
    detail = f"{title}, SHA-256 {export.sha256[:12]}…"
    milestones = [
        Milestone("Keys exported", export.created_at, str(export.created_by or ""), about, detail),
    ]
    if export.acknowledged_at:
        actor = str(export.acknowledged_by or "")
        milestones.append(Milestone("Export acknowledged", export.acknowledged_at, actor, about, detail))
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
            about=reference(device_import),
            detail=f"{device_import.file_name}, {counted(device_import.devices, 'device')} imported",
        )
    ]


STAGES = (
    Stage(10, "key", _batch),
    Stage(20, "file_export", _exports),
    Stage(30, "upload_file", _import),
)
