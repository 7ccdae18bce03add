"""Shows the partitions of reports, and drops those that are due."""

import json
from dataclasses import asdict
from datetime import datetime
from typing import Any, ClassVar

from django.conf import settings
from django.core.management.base import CommandParser
from django.utils import timezone
from rich.console import Console
from rich.table import Table

from foundation.commands import StrictCommand
from trackers.models import RetiredMonth
from trackers.services import history, partitioning, reports

TIME_BUDGET_S = 3600


class Command(StrictCommand):
    help = "Show the partitions of reports with size and rows (estimated), what will be dropped, and when."

    needs: ClassVar = {"dry_run": "drop"}

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print JSON")
        parser.add_argument(
            "--drop", action="store_true", help="announce, and drop what is due, as the schedule does"
        )
        parser.add_argument(
            "--dry-run", action="store_true", help="with --drop: only say what would be dropped now"
        )

    def handle(self, *, drop: bool, dry_run: bool, **options: Any) -> None:
        now = timezone.now()
        if drop and dry_run:
            self._tell_due(reports.due_months(now=now), as_json=options["json"])
            return
        if drop:
            reports.announce_months(now=now)
            gone = reports.drop_due_months(clock=timezone.now, time_budget_s=TIME_BUDGET_S)
            self.stderr.write(f"Dropped: {_named(gone)}.")
        found = _described()
        if options["json"]:
            self.stdout.write(json.dumps(found, indent=1))
        else:
            self._print(found)

    def _tell_due(self, months: list[RetiredMonth], *, as_json: bool) -> None:
        if as_json:
            self.stdout.write(json.dumps({"would_be_dropped": [str(month) for month in months]}))
        else:
            self.stdout.write(f"Would be dropped now: {_named(months)}.")

    def _print(self, found: dict[str, Any]) -> None:
        table = Table("partition", "rows, about", "size", "what becomes of it")
        for row in found["partitions"]:
            rows, size = f"{row['rows_estimated']:,}", f"{row['size_bytes'] / 1e6:,.1f} MB"
            table.add_row(row["name"], rows, size, row["fate"])
        console = Console(file=self.stdout, width=110)  # type: ignore[arg-type]
        console.print(table)
        kept_from = found["reports_kept_from"]
        console.print(
            f"All reports since {kept_from[:10]} are kept." if kept_from else "No report was dropped yet."
        )
        days = found["retention_days"]
        console.print(f"They are dropped after {days} days." if days else "They are kept forever.")


def _described() -> dict[str, Any]:
    months = {month.starts_at: month for month in RetiredMonth.objects.all()}
    kept_from = history.frozen_before()
    return {
        "retention_days": settings.REPORT_RETENTION_DAYS,
        "notice_days": settings.RETENTION_NOTICE_DAYS,
        "reports_kept_from": kept_from and kept_from.isoformat(),
        "partitions": [
            asdict(partition) | _fate(partitioning.REPORTS.month_of(partition.name), months)
            for partition in partitioning.REPORTS.existing()
        ],
    }


def _fate(starts_at: datetime | None, months: dict[datetime, RetiredMonth]) -> dict[str, Any]:
    month = months.get(starts_at) if starts_at else None
    if month is None:
        return {"state": None, "drop_after": None, "fate": "stays"}
    fates = {
        RetiredMonth.State.ANNOUNCED: f"will be dropped after {month.drop_after:%Y-%m-%d %H:%M}",
        RetiredMonth.State.HELD: "held",
        RetiredMonth.State.DROPPING: f"is being dropped: {month.events_deleted:,} events gone",
    }
    fate = fates.get(RetiredMonth.State(month.state), "came back after it was dropped")
    return {"state": month.state, "drop_after": month.drop_after.isoformat(), "fate": fate}


def _named(months: list[RetiredMonth]) -> str:
    return ", ".join(map(str, months)) or "nothing"
