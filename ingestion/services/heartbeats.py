"""Signs of life."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from ingestion.models import Heartbeat


def beat(*, name: Heartbeat.Name, now: datetime, detail: Mapping[str, Any] | None = None) -> None:
    """Say that the service of this name is alive; `detail`, JSON values, is shown to ops."""
    Heartbeat.objects.bulk_create(
        [Heartbeat(name=name, beat_at=now, detail=dict(detail or {}))],
        update_conflicts=True,
        unique_fields=["name"],
        update_fields=["beat_at", "detail"],
    )
