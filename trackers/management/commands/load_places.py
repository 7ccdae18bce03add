"""Loads the gazetteer, unless it is there, and lets every tracker be told anew which place it is near."""

from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from foundation.commands import StrictCommand
from locations.services import gazetteer
from trackers.services import history


class Command(StrictCommand):
    help = "Load the places of GeoNames and the countries of Natural Earth, unless this edition is loaded."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--again", action="store_true", help="load even if this edition is loaded")

    def handle(self, *, again: bool, **options: Any) -> None:
        if gazetteer.is_loaded() and not again:
            self.stderr.write(f"The gazetteer is loaded: {gazetteer.edition()}.")
            return
        places = gazetteer.load(now=timezone.now())
        trackers = history.find_all_again()
        self.stderr.write(
            f"{places:,} places loaded; those near {trackers:,} trackers will be found by the workers."
        )
