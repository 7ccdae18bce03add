"""Measures the main job in an empty database of its own; `bin/bench` provides one."""

import json
import statistics
import sys
from datetime import datetime, timedelta
from random import Random
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from rich.console import Console

import keys.services
from ingestion.bench import measures, world
from trackers.models import Assignment, Tracker

ROUNDS = 3
SEED = 7


class Command(BaseCommand):
    help = "Measure decryption, geofencing and the whole pipeline; prints JSON."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--rows", type=int, default=1_000_000, metavar="N", help="reports stored beforehand (1,000,000)"
        )

    def handle(self, *, rows: int, **options: Any) -> None:
        if Tracker.objects.exists():
            raise CommandError("This database is in use. Measure in an empty one: bin/bench makes it.")
        now = timezone.now()
        shipments = self._prepare(rows, now)
        figures: dict[str, Any] = {"rows": rows}
        figures |= self._measure_decryption(shipments, now)
        figures |= self._measure_pipeline(shipments, now)
        figures["peak_rss_mb"] = round(measures.peak_rss_mb(), 1)
        self.stdout.write(json.dumps(figures, indent=1))

    def _prepare(self, rows: int, now: datetime) -> list[world.Shipment]:
        console = Console(file=sys.stderr)
        with console.status("Building the world …") as status:
            shipments = world.build(now=now, seed=SEED)
            for stored in world.fill(rows, now=now):
                status.update(f"{stored:,} of {rows:,} reports stored …")
        return shipments

    def _measure_decryption(self, shipments: list[world.Shipment], now: datetime) -> dict[str, float]:
        """Alternately, so that both see the same machine; the median of the rounds."""
        draw = Random(SEED)  # noqa: S311 (not for secrets)
        private_keys = keys.services.unseal_private_keys(
            hashed_keys=[shipment.hashed_key for shipment in shipments], purpose="benchmark"
        )
        sealed = [
            measures.Sealed(item, private_keys[shipment.hashed_key])
            for shipment in shipments
            for item in world.payloads(shipment, since=now - timedelta(days=3), draw=draw)
        ]
        seconds = [
            (
                measures.timed(lambda: measures.decrypt(sealed))[0],
                measures.timed(lambda: measures.decrypt_limit(sealed))[0],
            )
            for _ in range(ROUNDS)
        ]
        ours, limit = (statistics.median(column) for column in zip(*seconds, strict=True))
        return {
            "decrypt_per_s": round(len(sealed) / ours),
            "decrypt_limit_per_s": round(len(sealed) / limit),
            "decrypt_share_of_limit": round(limit / ours, 3),
        }

    def _measure_pipeline(self, shipments: list[world.Shipment], now: datetime) -> dict[str, float]:
        """Each round brings the next day's reports of all trackers; the median of the rounds."""
        run_of_tracker = dict(Assignment.objects.values_list("tracker_id", "run_id"))
        draw = Random(SEED + 1)  # noqa: S311 (not for secrets)
        rates: dict[str, list[float]] = {"pipeline": [], "copy_limit": [], "geofence": []}
        for number in range(ROUNDS):
            since = now - timedelta(days=ROUNDS - number)
            made = {
                shipment.hashed_key: world.payloads(shipment, since=since, draw=draw)
                for shipment in shipments
            }
            body = measures.answer_body(made)
            seconds, (reports, outcome) = measures.timed(
                lambda b=body: measures.pipeline(b, shipments, now=now)
            )
            if outcome.stored != len(reports) or len(reports) != world.TRACKERS * world.REPORTS_PER_TRACKER:
                raise CommandError(f"Only {outcome.stored} of {len(reports)} reports were stored.")
            rates["pipeline"].append(len(reports) / seconds)
            moved = [
                report._replace(seen_at=report.seen_at + timedelta(microseconds=1)) for report in reports
            ]
            rates["copy_limit"].append(len(reports) / measures.copy_limit(moved, now=now))
            rates["geofence"].append(
                len(reports) / measures.timed(lambda r=reports: measures.match(r, run_of_tracker))[0]
            )
        return {
            "pipeline_reports_per_s": round(statistics.median(rates["pipeline"])),
            "copy_limit_per_s": round(statistics.median(rates["copy_limit"])),
            "geofence_points_per_s": round(statistics.median(rates["geofence"])),
        }
