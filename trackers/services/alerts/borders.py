"""Keeps up in which countries the trackers of a run may be, and has them evaluated again when that changes.

Whatever changes it - names on the run, its locations, another gazetteer - and whoever writes that, is noticed before
the next evaluation. The alerts of a run that is over stand.
"""

from datetime import UTC, datetime

from django.db import transaction

from foundation import bulk, sql
from trackers.models import RunCountries
from trackers.services import history

RUNS_WITH_OTHER_COUNTRIES = sql.load("trackers/runs_with_other_countries")
RUN_COUNTRIES = sql.load("trackers/run_countries")

RUNS_PER_TRANSACTION = 20
# Some 5 km: a harbour may be drawn into the sea.
SHORE_DEG = 0.05


def keep_up_countries(*, most: int, now: datetime) -> int:
    """Find the countries of runs anew that may have others now, `most` of them at most; returns how many have."""
    seen = changed = 0
    while seen < most:
        wanted = min(RUNS_PER_TRANSACTION, most - seen)
        with transaction.atomic():
            found, others = _renew(wanted, now)
        seen, changed = seen + found, changed + others
        if found < wanted:
            break
    return changed


def _renew(wanted: int, now: datetime) -> tuple[int, int]:
    parameters = {"day": now.astimezone(UTC).date(), "most": wanted}
    bases = dict(bulk.fetch_all(RUNS_WITH_OTHER_COUNTRIES, parameters))
    if not bases:
        return 0, 0
    run_ids = sorted(bases)
    stored = RunCountries.objects.filter(run__in=run_ids).order_by("run_id").select_for_update(no_key=True)
    before = dict(stored.values_list("run_id", "countries"))
    after = dict(bulk.fetch_all(RUN_COUNTRIES, {"run_ids": run_ids, "shore_deg": SHORE_DEG}))
    RunCountries.objects.bulk_create(
        [RunCountries(run_id=id_, countries=after[id_], basis=bases[id_]) for id_ in run_ids],
        update_conflicts=True,
        unique_fields=["run"],
        update_fields=["countries", "basis"],
    )
    changed = [id_ for id_ in run_ids if before.get(id_, []) != after[id_]]
    history.mark_runs(changed, now=now)
    return len(run_ids), len(changed)
