"""Replays a world file through the services that the workers use, and prints what comes out."""

import json
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser
from django.db import transaction
from django.utils import timezone
from msgspec.structs import replace

from foundation.commands import StrictCommand
from trackers.replay import loading
from trackers.replay.world import World, WorldError, batch_size, in_order, parse_world, with_late

BAD_INPUT = 2


class Command(StrictCommand):
    help = (
        "Load a world in a transaction that is rolled back, feed its reports to the timeline and print JSON."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("world", type=Path, metavar="WORLD.json", help="a file, or - for standard input")
        parser.add_argument(
            "--order", default="file", metavar="file|event|shuffle:SEED", help="the order of arrival"
        )
        parser.add_argument("--batch", default="500", metavar="N", help="reports handed in at a time (500)")
        parser.add_argument(
            "--late",
            metavar="FRACTION:SEED",
            help="a random part of the reports arrives after all the others",
        )

    def handle(self, *, world: Path, order: str, batch: str, late: str | None, **options: Any) -> None:
        try:
            size = batch_size(batch)
            prepared = self._prepare(world, order, late)
            settled = loading.settled_fences(prepared)
        except (WorldError, OSError) as error:
            self.stderr.write(" ".join(f"{world}: {error}".splitlines()))
            sys.exit(BAD_INPUT)
        now = timezone.now()
        with transaction.atomic():
            tracker_ids = loading.load(prepared, settled, now=now)
            outcome = loading.feed(prepared, tracker_ids, batch=size, now=now)
            result = loading.result(tracker_ids, outcome, settled)
            transaction.set_rollback(True)
        self.stdout.write(json.dumps(result, indent=1))

    def _prepare(self, path: Path, order: str, late: str | None) -> World:
        text = sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes()
        world = parse_world(text)
        reports = in_order(world.reports, order)
        return replace(world, reports=reports if late is None else with_late(reports, late))
