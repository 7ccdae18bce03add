"""The retention cutoff: since when all reports are kept.

History before it stands as it was stored: nothing recomputes it, and a report that comes from before it is rejected
with the reason. Who drops reports calls `advance_cutoff` first, in the transaction that drops them.
"""

from datetime import datetime

from foundation.errors import DomainError
from trackers.models import RetentionCutoff


class BeforeCutoffError(DomainError):
    """A change that would affect a time of which the reports are gone."""

    code = "before_retention_horizon"


def frozen_before() -> datetime | None:
    """History before this moment is never recomputed; None as long as no report was ever dropped."""
    return RetentionCutoff.objects.values_list("reports_kept_from", flat=True).first()


def advance_cutoff(*, reports_kept_from: datetime, now: datetime) -> None:
    """Say that reports before `reports_kept_from` may be gone from now on. The cutoff never moves back."""
    RetentionCutoff.objects.get_or_create(
        id=1, defaults={"reports_kept_from": reports_kept_from, "moved_at": now}
    )
    RetentionCutoff.objects.filter(reports_kept_from__lt=reports_kept_from).update(
        reports_kept_from=reports_kept_from, moved_at=now
    )


def require_kept(moment: datetime) -> None:
    """Raises BeforeCutoffError if reports of that moment may be gone."""
    kept_from = frozen_before()
    if kept_from and moment < kept_from:
        raise BeforeCutoffError(
            f"Reports before {kept_from:%Y-%m-%d %H:%M} UTC are no longer kept, so history before that can't be"
            " computed again. Choose that moment or a later one."
        )
