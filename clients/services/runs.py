"""Production runs: what they may be, and their writes. See the package for what follows from a change."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, TypedDict, Unpack

from django.db import transaction

from clients.models import Brand, ProductionRun, User
from foundation import audit, rows
from foundation.errors import InvalidValuesError

# What the numbers of a policy may be: the least, and the greatest.
POLICY_RANGES = {
    "max_accuracy_m": (0, 2**31 - 1),
    "exit_accuracy_cap_m": (0, 2**31 - 1),
    "entry_accuracy_factor": (1, 100),
    "max_speed_kmh": (10, 3_000),
    "confirmations": (1, 10),
}
# Beyond these a date is a slip of the finger.
FIRST_DAY, LAST_DAY = date(2000, 1, 1), date(2099, 12, 31)


class RunValues(TypedDict, total=False):
    """The dates are inclusive, in UTC; countries by their ISO 3166-1 alpha-2 codes."""

    brand: Brand
    name: str
    start_date: date
    end_date: date
    max_accuracy_m: int
    exit_accuracy_cap_m: int
    entry_accuracy_factor: int
    max_speed_kmh: int
    confirmations: int
    countries: list[str]


def refuse_invalid(run: ProductionRun | None, values: Mapping[str, Any]) -> None:
    """Raise InvalidValuesError if the run, or a new one, can't get these values. Those that are missing are kept."""
    wrong: dict[str, str] = {}
    start = values.get("start_date", run.start_date if run else None)
    end = values.get("end_date", run.end_date if run else None)
    for name, day in (("start_date", start), ("end_date", end)):
        if day and not FIRST_DAY <= day <= LAST_DAY:
            wrong[name] = f"Give a day between {FIRST_DAY} and {LAST_DAY}."
    if start and end and end < start and "end_date" not in wrong:
        wrong["end_date"] = f"The run would end before it begins, on {start}."
    for name, (least, most) in POLICY_RANGES.items():
        number = values.get(name)
        if number is not None and not least <= number <= most:
            wrong[name] = f"Give a whole number from {least:,} to {most:,}."
    brand = values.get("brand")
    if run and brand and brand.client_id != run.brand.client_id:
        wrong["brand"] = (
            f"A production run stays with its client, {run.brand.client}: choose one of its brands, or add a run to"
            " the other one."
        )
    if wrong:
        raise InvalidValuesError(wrong)


def add_run(*, actor: User | None, **values: Unpack[RunValues]) -> ProductionRun:
    """Add a run; `brand`, `name` and both dates are needed. Raises InvalidValuesError."""
    return _save(ProductionRun(), None, values, actor)


def add_checked_runs(*, values: Sequence[RunValues], actor: User | None) -> list[ProductionRun]:
    """Add many runs in one statement, for a source that has checked them: here only the database does.

    Raises IntegrityError.
    """
    with transaction.atomic(), audit.acting(actor):
        return ProductionRun.objects.bulk_create(ProductionRun(**each) for each in values)


def change_run(*, run: ProductionRun, actor: User | None, **values: Unpack[RunValues]) -> ProductionRun:
    """Change these values of a stored run, and return it as it is now. Raises InvalidValuesError."""
    with transaction.atomic():
        stored = ProductionRun.objects.select_for_update(no_key=True).get(pk=run.pk)
        return _save(stored, stored, values, actor)


def delete_run(*, run: ProductionRun, actor: User | None) -> None:
    """Delete a run that never had a tracker or an order. Raises InUseError."""
    with transaction.atomic(), audit.acting(actor):
        rows.delete(run, otherwise="it has trackers or orders. End it instead.")


def _save(
    row: ProductionRun, stored: ProductionRun | None, values: RunValues, actor: User | None
) -> ProductionRun:
    refuse_invalid(stored, values)
    rows.give(row, values, known=RunValues.__annotations__)
    row.countries = sorted(row.countries)
    with audit.acting(actor):
        rows.save(row)
    return row
