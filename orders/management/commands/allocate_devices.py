"""Gives an order devices from the stock: the oldest, those of a list of MACs, or both."""

import json
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db import transaction
from django.utils import timezone
from structlog.contextvars import bound_contextvars

from foundation.commands import StrictCommand
from foundation.errors import DomainError
from orders import mac_lists, selectors
from orders.mac_lists import UnreadableListError
from orders.models import DeviceAllocation, Order
from orders.services import allocating
from trackers.models import Tracker


class Command(StrictCommand):
    help = (
        "Allocate devices to a placed order: all that it lacks, a number of them, or those of a list. If the stock"
        " is short, all that it has is allocated."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("order", metavar="ORDER", help="the order's reference or id")
        parser.add_argument("--quantity", type=int, metavar="N", help="this many, not all that it lacks")
        parser.add_argument(
            "--macs",
            type=Path,
            metavar="FILE",
            help="these first, by MAC or serial: text, CSV or JSON, or - for standard input",
        )
        parser.add_argument("--all-or-nothing", action="store_true", help="nothing if the stock is short")
        parser.add_argument("--dry-run", action="store_true", help="say what would be done, and undo it")
        parser.add_argument("--json", action="store_true", help="print the devices as JSON")

    def handle(self, *, order: str, macs: Path | None, **options: Any) -> None:
        try:
            found = selectors.order_called(order)
            named = _named(macs) if macs else None
            with transaction.atomic(), bound_contextvars(dry_run=options["dry_run"]):
                given = allocating.allocate_devices(
                    order=found,
                    quantity=options["quantity"],
                    macs=named,
                    all_or_nothing=options["all_or_nothing"],
                    now=timezone.now(),
                )
                found.refresh_from_db()
                has = found.allocations.open().count()
                transaction.set_rollback(options["dry_run"])
        except DomainError as error:
            raise CommandError(error.message) from error
        except UnreadableListError as error:
            raise CommandError(f"{macs}: {error}") from error
        except OSError as error:
            raise CommandError(f"{macs}: {error.strerror}.") from error
        self._print(found, given, has, as_json=options["json"], dry_run=options["dry_run"])

    def _print(
        self, order: Order, given: list[DeviceAllocation], has: int, *, as_json: bool, dry_run: bool
    ) -> None:
        lacking = order.quantity - has
        if as_json:
            ids = [allocation.tracker_id for allocation in given]
            macs = list(Tracker.objects.filter(pk__in=ids).order_by("pk").values_list("mac", flat=True))
            answer = {
                "order": order.pk,
                "state": order.state,
                "allocated": macs,
                "lacking": lacking,
                "dry_run": dry_run,
            }
            self.stdout.write(json.dumps(answer, indent=1))
            return
        would = "would be " if dry_run else ""
        still = f", {lacking:,} lacking" if lacking else ""
        self.stdout.write(f"{order}: {len(given):,} {would}allocated, {has:,} of {order.quantity:,}{still}.")


def _named(file: Path) -> list[str]:
    """The devices of a list. Raises UnreadableListError also for those that can't be allocated, each with its place."""
    listed = mac_lists.parse(mac_lists.decode(_content(file)))
    if problems := selectors.problems_of_list(listed):
        raise UnreadableListError(" ".join(problems))
    return [name.text for name in listed.names]


def _content(file: Path) -> bytes:
    if str(file) == "-":
        return sys.stdin.buffer.read(mac_lists.MAX_BYTES + 1)
    with file.open("rb") as source:
        return source.read(mac_lists.MAX_BYTES + 1)
