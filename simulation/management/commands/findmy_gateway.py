"""Runs the local Find My gateway until it is told to stop."""

import os
import signal
from pathlib import Path
from threading import Event
from typing import Any

from django.core.management.base import CommandError, CommandParser

from foundation.commands import StrictCommand
from simulation.findmy.faults import FaultError, parse_fault
from simulation.findmy.gateway import SLOW_S, LocalGateway
from simulation.findmy.plan import PlanError, load_plan


class Command(StrictCommand):
    help = "Serve a simulated fleet over Apple's Find My protocol, on this machine."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--plan", type=Path, required=True, help="JSON file that describes the fleet")
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument(
            "--port", type=int, default=6176, help="the first free port from this one; 0: any"
        )
        parser.add_argument("--port-file", type=Path, help="where to write the port in use")
        parser.add_argument(
            "--account",
            action="append",
            default=[],
            metavar="DSID:TOKEN",
            help="who may fetch; may be repeated; without it, anybody who signs in",
        )
        parser.add_argument(
            "--fault",
            action="append",
            default=[],
            metavar="NAME=COUNT_OR_RATE",
            help="empty=3 for the next three requests, empty=0.1 for a tenth of them",
        )
        parser.add_argument("--slow-seconds", type=float, default=SLOW_S, help="what the slow fault waits")

    def handle(self, *args: Any, **options: Any) -> None:
        faults = _faults(options["fault"])
        stop = Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stop.set())
        try:
            gateway = LocalGateway(
                load_plan(options["plan"]),
                host=options["host"],
                port=options["port"],
                accounts=[_account(text) for text in options["account"]],
                slow_s=options["slow_seconds"],
            )
        except (PlanError, OSError) as error:
            raise CommandError(str(error)) from error
        with gateway:
            try:
                gateway.faults.set(faults)
            except FaultError as error:
                raise CommandError(str(error)) from error
            self.stdout.write(f"Find My gateway on {gateway.url}")
            self.stdout.flush()
            if options["port_file"]:
                _write_whole(options["port_file"], f"{gateway.port}\n")
            stop.wait()
            if options["port_file"]:
                options["port_file"].unlink(missing_ok=True)


def _faults(texts: list[str]) -> dict[str, int | float]:
    try:
        parsed = [parse_fault(text) for text in texts]
    except FaultError as error:
        raise CommandError(str(error)) from error
    faults = dict(parsed)
    if len(faults) < len(parsed):
        raise CommandError("--fault: give each fault once.")
    return faults


def _account(text: str) -> tuple[str, str]:
    dsid, colon, token = text.partition(":")
    if not (dsid and colon and token):
        raise CommandError("--account: write DSID:TOKEN")
    return dsid, token


def _write_whole(path: Path, text: str) -> None:
    """Write a file that nobody ever sees half written."""
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    draft.write_text(text, "ascii")
    draft.replace(path)
