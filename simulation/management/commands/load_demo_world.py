"""Makes the demo world and the plan of its simulated fleet."""

import os
from io import StringIO
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser
from django.db import IntegrityError
from django.utils import timezone
from rich.console import Console
from rich.table import Table

from foundation.commands import StrictCommand
from foundation.errors import InvalidValuesError
from simulation.demo import planning, world
from simulation.demo.world import NewUser


class Command(StrictCommand):
    help = "Make a demo world, unless it is there, and write the plan of its fleet for findmy_gateway."

    def add_arguments(self, parser: CommandParser) -> None:
        default = os.environ.get("DEMO_PLAN") or settings.BASE_DIR / ".local" / "demo" / "plan.json"
        parser.add_argument(
            "--plan", type=Path, default=Path(default), help="where to write the plan (%(default)s)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        csv_path = planning.bus_csv()
        buses = planning.vehicles(csv_path)
        if not buses:
            self.stderr.write(f"No bus positions at {csv_path}: the demo goes without its eight buses.")
        try:
            loaded = world.load_world(buses=len(buses), now=timezone.now(), progress=self.stderr.write)
        except (IntegrityError, InvalidValuesError) as error:
            raise CommandError(f"A name of the demo world is taken by something else: {error}") from error
        planning.write_plan(options["plan"], loaded)
        self.stderr.write(f"{len(loaded.trackers)} trackers; the fleet's plan is {options['plan']}")
        if loaded.new_users:
            self._tell_users(loaded.new_users)
        else:
            self.stderr.write(
                f"The demo world of {loaded.base:%Y-%m-%d %H:%M} UTC is kept; its passwords were shown then."
            )

    def _tell_users(self, users: list[NewUser]) -> None:
        table = Table(title="Sign in with (shown only now)")
        for heading in ("User", "Password", "Sees"):
            table.add_column(heading, no_wrap=True)
        for user in users:
            table.add_row(user.username, user.password, user.sees)
        text = StringIO()
        Console(file=text, width=80).print(table)
        self.stdout.write(text.getvalue())
