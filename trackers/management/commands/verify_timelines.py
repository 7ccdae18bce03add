"""Compares stored histories with what their reports say."""

import io
import json
import sys
from collections.abc import Sequence
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from foundation.commands import StrictCommand
from trackers import naming, selectors
from trackers.models import Tracker
from trackers.services import recomputation
from trackers.services.recomputation import Pace, Recomputed

DRIFT = 1
SAMPLE = 1_000
ROWS_SHOWN = 50


class Command(StrictCommand):
    help = (
        "Recompute histories from their reports and tell which are stored differently; exits 1 if any is."
        f" Without --all or --tracker the {SAMPLE:,} trackers verified longest ago."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        which = parser.add_mutually_exclusive_group()
        which.add_argument("--all", action="store_true", help="every tracker that was ever assigned")
        which.add_argument(
            "--tracker",
            action="append",
            metavar="NAME",
            help="this one, by its MAC or serial; may be given several times",
        )
        parser.add_argument("--repair", action="store_true", help="repair what differs")
        parser.add_argument("--json", action="store_true", help="print JSON instead of a table")

    def handle(self, **options: Any) -> None:
        tracker_ids = self._chosen(options)
        found = self._verify(tracker_ids, repair=options["repair"])
        drifted = found.written.tracker_ids
        wrong = dict.fromkeys(drifted, "differed") | {
            pk: f"failed: {it}" for pk, it in found.failures.items()
        }
        macs = dict(Tracker.objects.filter(pk__in=wrong).values_list("pk", "mac"))
        result = {
            "trackers": found.trackers,
            "drifted": len(drifted),
            "failed": len(found.failures),
            "stays_retracted": found.written.periods_retracted,
            "stays_added": found.written.periods_added,
            "events_added": found.written.events.total(),
            "repaired": options["repair"],
            "differences": {macs[pk]: text for pk, text in sorted(wrong.items())},
        }
        self.stdout.write(json.dumps(result, indent=1)) if options["json"] else self._show(result)
        if wrong:
            sys.exit(DRIFT)

    def _chosen(self, options: dict[str, Any]) -> Sequence[int]:
        oldest_first = recomputation.verifiable().order_by("verified_at", "id").values_list("pk", flat=True)
        if options["all"]:
            return list(oldest_first)
        if not options["tracker"]:
            return list(oldest_first[:SAMPLE])
        found = selectors.resolve(Tracker.objects.all(), map(naming.name_of, options["tracker"]))
        if found.unknown:
            raise CommandError(f"There is no tracker {', '.join(found.unknown)}: give its MAC or its serial.")
        if found.ambiguous:
            raise CommandError(f"Several trackers are called {', '.join(found.ambiguous)}: give their MACs.")
        return sorted(set(found.ids.values()))

    def _verify(self, tracker_ids: Sequence[int], *, repair: bool) -> Recomputed:
        found = Recomputed()
        with Progress(console=Console(file=sys.stderr), transient=True) as progress:
            bar = progress.add_task("Comparing histories", total=len(tracker_ids))
            for verified in recomputation.verify(
                tracker_ids=tracker_ids, repair=repair, now=timezone.now(), pace=Pace(timezone.now)
            ):
                found.add(verified)
                progress.update(bar, completed=found.trackers)
        return found

    def _show(self, result: dict[str, Any]) -> None:
        table = Table("Tracker", "What is wrong")
        for mac, text in list(result["differences"].items())[:ROWS_SHOWN]:
            table.add_row(mac, text)
        text = io.StringIO()
        console = Console(file=text, width=110)
        if table.row_count:
            console.print(table)
        if len(result["differences"]) > ROWS_SHOWN:
            console.print(f"and {len(result['differences']) - ROWS_SHOWN:,} more")
        repaired = ", and were repaired" if result["repaired"] and result["drifted"] else ""
        console.print(
            f"{result['trackers']:,} verified, {result['drifted']:,} differed from their reports{repaired},"
            f" {result['failed']:,} failed. {result['stays_retracted']:,} status periods too many,"
            f" {result['stays_added']:,} missing, {result['events_added']:,} events missing."
        )
        self.stdout.write(text.getvalue(), ending="")
