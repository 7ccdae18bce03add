"""From when on reports are kept. Nothing that was made of earlier ones may be recomputed."""

from datetime import datetime

import structlog
from django.db import transaction

from trackers.models import RetentionHorizon

log = structlog.get_logger(__name__)


def kept_from() -> datetime | None:
    """The moment from which on reports are kept; None while none was dropped."""
    return RetentionHorizon.objects.values_list("reports_kept_from", flat=True).first()


def advance(*, to: datetime, now: datetime) -> datetime:
    """Keep reports from `to` on; the horizon never goes back. Returns where it is."""
    with transaction.atomic():
        horizon, _ = RetentionHorizon.objects.select_for_update().get_or_create(pk=1)
        if horizon.reports_kept_from is None or horizon.reports_kept_from < to:
            horizon.reports_kept_from = to
            horizon.save(update_fields=["reports_kept_from"])
            log.info("retention_horizon_advanced", kept_from=to.isoformat(), at=now.isoformat())
    return horizon.reports_kept_from
