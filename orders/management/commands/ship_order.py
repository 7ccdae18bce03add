"""Ships an order that has all its devices: from then their reports are fetched."""

import json
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db import transaction
from django.utils import timezone
from structlog.contextvars import bound_contextvars

from foundation.commands import StrictCommand
from foundation.errors import DomainError
from orders import selectors
from orders.services import shipping


class Command(StrictCommand):
    help = "Ship an allocated order. It can't be cancelled then; --dry-run says what would happen."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("order", metavar="ORDER", help="the order's reference or id")
        parser.add_argument("--dry-run", action="store_true", help="say what would be done, and undo it")
        parser.add_argument("--json", action="store_true", help="print the outcome as JSON")

    def handle(self, *, order: str, dry_run: bool, **options: Any) -> None:
        try:
            found = selectors.order_called(order)
            with transaction.atomic(), bound_contextvars(dry_run=dry_run):
                shipped = shipping.ship_order(order=found, now=timezone.now())
                devices = shipped.allocations.open().count()
                transaction.set_rollback(dry_run)
        except DomainError as error:
            raise CommandError(error.message) from error
        if options["json"]:
            answer = {"order": shipped.pk, "state": shipped.state, "devices": devices, "dry_run": dry_run}
            self.stdout.write(json.dumps(answer, indent=1))
            return
        would = "would be " if dry_run else ""
        self.stdout.write(
            f"{shipped} {would}shipped: {devices:,} active until {shipped.run.end_date}, the run's last day."
        )
