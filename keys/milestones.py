"""What keys tell of a tracker's life: the batch that its keys are from."""

from django.urls import reverse

from keys.models import KeyPair
from trackers.admin import lifecycle
from trackers.admin.lifecycle import Milestone, Stage
from trackers.models import Tracker


def _batch(tracker: Tracker) -> list[Milestone]:
    pairs = KeyPair.objects.filter(tracker=tracker).order_by("key_index", "pk")
    pair = pairs.select_related("batch__created_by").defer("sealed_private_key").first()
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


lifecycle.register(Stage(10, "key", _batch))
