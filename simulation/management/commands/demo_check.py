"""Waits until the running demo has done what its plan says, and says how it went."""

import json
import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import requests
from django.conf import settings
from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from foundation.commands import StrictCommand
from simulation.demo import checking
from simulation.demo.expectation import Expected, expected
from simulation.demo.shipments import shipments
from simulation.findmy.gateway import STATS_PATH
from simulation.findmy.plan import PlanError, load_plan

POLL_S = 1.0
REQUEST_TIMEOUT_S = 10
INJECTIONS = ("fault_bad_tag", "fault_foreign_id")


class Command(StrictCommand):
    help = (
        "Wait until every demo tracker that should have been delivered is, by way of the running gateway, worker and"
        " beat, and all else is as the plan says. Prints one line of JSON; exits 1 with the reason if it never is."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        default = os.environ.get("DEMO_PLAN") or settings.BASE_DIR / ".local" / "demo" / "plan.json"
        parser.add_argument("--plan", type=Path, default=Path(default), help="the plan (%(default)s)")
        parser.add_argument("--timeout", type=float, default=180, metavar="SECONDS")

    def handle(self, *args: Any, **options: Any) -> None:
        started = time.monotonic()
        try:
            plan = load_plan(options["plan"])
        except PlanError as error:
            raise CommandError(str(error)) from error
        runs = [shipment.run for shipment in shipments(plan.started_at)]
        expectations = expected(plan, runs)
        backlog_until = plan.started_at.timestamp() + plan.backlog_spread_s
        told = ""
        while True:
            problem = next(_problems(expectations, backlog_until), "")
            if problem != told and (told := problem):
                self.stderr.write(problem)
            if not problem or time.monotonic() - started > options["timeout"]:
                break
            time.sleep(POLL_S)
        self._report(expectations, problem, time.monotonic() - started)

    def _report(self, expectations: Mapping[str, Expected], problem: str, seconds: float) -> None:
        fetched = _gateway_counts().get("reports_served", 0)
        figures = checking.figures(expectations, fetched=fetched) | {"seconds": round(seconds, 1)}
        if problem:
            figures["reason"] = problem
        self.stdout.write(json.dumps({"ok": not problem, **figures}))
        if problem:
            raise CommandError(problem)


def _problems(expectations: Mapping[str, Expected], backlog_until: float) -> Iterator[str]:
    if timezone.now().timestamp() < backlog_until:
        yield "the days before are still being published"
    counts = _gateway_counts()
    if not counts.get("reports_served"):
        yield "the gateway has served no report yet"
    injected = sum(counts.get(name, 0) for name in INJECTIONS)
    yield from checking.problems(expectations, injected=injected)
    yield from _health()


def _gateway_counts() -> dict[str, int]:
    """What the local gateway has counted; nothing while it can't be reached."""
    url = f"{settings.FINDMY_ANISETTE_URL.rstrip('/')}{STATS_PATH}"
    try:
        counts: dict[str, int] = requests.get(url, timeout=REQUEST_TIMEOUT_S).json()["counts"]
    except (requests.RequestException, ValueError, KeyError):
        return {}
    return counts


def _health() -> Iterator[str]:
    """Asks the demo's web process, whose port is in DEMO_DIR; without one there is nobody to ask."""
    port_file = Path(os.environ.get("DEMO_DIR", "")) / "web.port"
    if "DEMO_DIR" not in os.environ or not port_file.exists():
        return
    url = f"http://127.0.0.1:{port_file.read_text().strip()}/health/"
    try:
        answer = requests.get(url, timeout=REQUEST_TIMEOUT_S)
    except requests.RequestException:
        yield f"{url} does not answer"
        return
    if answer.status_code != requests.codes.ok:
        yield f"{url} answers {answer.status_code}: {' '.join(answer.text.split())[:300]}"
