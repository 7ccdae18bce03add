"""Measures the main job in an empty database of its own; `bin/bench` provides one."""

import json
import statistics
import sys
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, ClassVar

from django.core.management.base import CommandError, CommandParser
from django.db import connection
from django.utils import timezone
from rich.console import Console

from foundation.commands import StrictCommand
from keys.services import unsealing
from simulation.bench import (
    allocating,
    analytics,
    generation,
    imports,
    measures,
    places,
    recomputing,
    rollups,
    world,
)
from trackers.models import Assignment, Tracker

ROWS, REPORTS = 1_000_000, 200
ROUNDS = 5
DECRYPTIONS_PER_TURN = 250
SEED = 7
# What is measured beside the main job, each on its own rows.
TOPICS = (rollups, places, recomputing, generation, imports, allocating)


def _tidy() -> None:
    """What autovacuum does in time: the topic before may have undone a hundred thousand rows."""
    with connection.cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE)")


class Command(StrictCommand):
    help = "Measure decryption, geofencing, the whole pipeline and key generation; prints JSON."

    needs: ClassVar = {"reports": "analytics", "plans": "analytics"}
    excludes: ClassVar = {"analytics": ("rows",)}

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--rows", type=int, metavar="N", help="reports stored beforehand (1,000,000)")
        parser.add_argument(
            "--analytics",
            type=int,
            metavar="TRACKERS",
            help="measure analytics of a fleet of this size instead",
        )
        parser.add_argument(
            "--reports",
            type=int,
            metavar="N",
            help="with --analytics: reports of each tracker (200)",
        )
        parser.add_argument(
            "--plans", type=Path, metavar="DIR", help="with --analytics: write query plans there"
        )

    def handle(self, *, rows: int | None, **options: Any) -> None:
        if Tracker.objects.exists():
            raise CommandError("This database is in use. Measure in an empty one: bin/bench makes it.")
        now = timezone.now()
        if options["analytics"] is not None:
            reports = REPORTS if options["reports"] is None else options["reports"]
            self._measure_analytics(options["analytics"], reports, options["plans"], now)
            return
        stored = ROWS if rows is None else rows
        shipments = self._prepare(stored, now)
        figures: dict[str, Any] = {"rows": stored}
        figures |= self._measure_decryption(shipments, now)
        figures |= self._measure_pipeline(shipments, now)
        figures["peak_rss_mb"] = round(measures.peak_rss_mb(), 1)
        for topic in TOPICS:
            _tidy()
            figures |= topic.measure(now=now)
        self.stdout.write(json.dumps(figures, indent=1))

    def _measure_analytics(self, trackers: int, reports: int, plans: Path | None, now: datetime) -> None:
        with Console(file=sys.stderr).status("Filling the fleet …") as status:
            for filled in analytics.fill(trackers=trackers, reports=reports, now=now):
                status.update(f"Filled: {filled} …")
        figures = {"trackers": trackers, "reports": trackers * reports} | analytics.measure(now=now)
        if plans:
            plans.mkdir(parents=True, exist_ok=True)
            for name, plan in analytics.plans(now=now).items():
                (plans / f"{name}.txt").write_text(f"{plan}\n")
        self.stdout.write(json.dumps(figures, indent=1))

    def _prepare(self, rows: int, now: datetime) -> list[world.Shipment]:
        console = Console(file=sys.stderr)
        with console.status("Building the world …") as status:
            shipments = world.build(now=now, seed=SEED)
            for stored in world.fill(rows, now=now):
                status.update(f"{stored:,} of {rows:,} reports stored …")
        return shipments

    def _measure_decryption(self, shipments: list[world.Shipment], now: datetime) -> dict[str, float]:
        """In turns of a few hundred, so that ours and the limit see the same machine."""
        draw = Random(SEED)  # noqa: S311 (not for secrets)
        private_keys = unsealing.unseal_private_keys(
            hashed_keys=[shipment.hashed_key for shipment in shipments], purpose="benchmark"
        )
        sealed = [
            measures.Sealed(item, private_keys[shipment.hashed_key])
            for shipment in shipments
            for item in world.payloads(shipment, since=now - timedelta(days=3), draw=draw)
        ]
        ours = limit = 0.0
        for start in range(0, len(sealed), DECRYPTIONS_PER_TURN):
            turn = sealed[start : start + DECRYPTIONS_PER_TURN]
            ours += measures.timed(partial(measures.decrypt, turn))[0]
            limit += measures.timed(partial(measures.decrypt_limit, turn))[0]
        return {
            "decrypt_per_s": round(len(sealed) / ours),
            "decrypt_limit_per_s": round(len(sealed) / limit),
            "decrypt_share_of_limit": round(limit / ours, 3),
        }

    def _measure_pipeline(self, shipments: list[world.Shipment], now: datetime) -> dict[str, float]:
        """Each round brings the next day's reports of all trackers; the median of the rounds."""
        run_of_tracker = dict(Assignment.objects.values_list("tracker_id", "run_id"))
        draw = Random(SEED + 1)  # noqa: S311 (not for secrets)
        rounds = []
        for number in range(ROUNDS):
            since = now - timedelta(days=ROUNDS - number)
            made = {item.hashed_key: world.payloads(item, since=since, draw=draw) for item in shipments}
            rounds.append(self._measure_round(shipments, measures.answer_body(made), run_of_tracker, now))
        return {name: round(statistics.median(figures[name] for figures in rounds)) for name in rounds[0]}

    def _measure_round(
        self, shipments: list[world.Shipment], body: bytes, run_of_tracker: dict[int, int], now: datetime
    ) -> dict[str, float]:
        tracker_of_key = {shipment.hashed_key: shipment.tracker_id for shipment in shipments}
        seconds, outcome = measures.timed(partial(measures.pipeline, body, tracker_of_key, now=now))
        reports = measures.reports_in(body, tracker_of_key, now=now)
        expected = world.TRACKERS * world.REPORTS_PER_TRACKER
        if not outcome.stored == len(reports) == expected:
            raise CommandError(f"{outcome.stored} of {expected} reports were stored.")
        others = [report._replace(seen_at=report.seen_at + timedelta(microseconds=1)) for report in reports]
        return {
            "pipeline_reports_per_s": expected / seconds,
            "copy_limit_per_s": expected / measures.copy_limit(others, now=now),
            "geofence_points_per_s": expected
            / measures.timed(partial(measures.match, reports, run_of_tracker))[0],
        }
