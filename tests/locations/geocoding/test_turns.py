"""A limit that all processes keep together: it has to trigger, and to let go again."""

import json
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from locations.geocoding.turns import Rate, parse_rates, take_turn

ROOT = Path(__file__).resolve().parents[3]
# Each process takes as many turns as it gets for two seconds, and prints when.
GREEDY = """
import json, sys, time
import django
django.setup()
from django.conf import settings
from locations.geocoding.turns import parse_rates, take_turn
settings.REDIS_PREFIX = sys.argv[1]
taken, end = [], time.time() + 2
while time.time() < end:
    if not take_turn("shared", parse_rates(sys.argv[2])):
        taken.append(time.time())
    time.sleep(0.01)
print(json.dumps(taken))
"""


def test_a_turn_too_many_is_told_how_long_to_wait() -> None:
    rates = parse_rates("3/min")
    assert [take_turn("a", rates) for _ in range(3)] == [0, 0, 0]
    assert 59 < take_turn("a", rates) <= 60
    assert take_turn("b", rates) == 0


def test_a_refused_turn_costs_nothing_and_the_window_moves_on() -> None:
    rates = parse_rates("1/s")
    assert take_turn("a", rates) == 0
    time.sleep(0.5)
    assert 0 < take_turn("a", rates) <= 0.5
    time.sleep(0.55)
    assert take_turn("a", rates) == 0


def test_all_rates_are_kept() -> None:
    rates = parse_rates("2/s 3/min")
    assert [take_turn("a", rates) for _ in range(2)] == [0, 0]
    assert take_turn("a", rates) <= 1
    time.sleep(1.01)
    assert take_turn("a", rates) == 0
    assert take_turn("a", rates) > 50


def test_threads_get_no_more_turns_than_there_are() -> None:
    got: list[float] = []
    start = threading.Barrier(8)

    def greedy() -> None:
        start.wait()
        got.extend(take_turn("shared", parse_rates("10/min")) for _ in range(20))

    threads = [threading.Thread(target=greedy) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(got), got.count(0)) == (160, 10)


def test_processes_get_no_more_turns_than_there_are(settings: Any) -> None:
    command = [sys.executable, "-c", GREEDY, settings.REDIS_PREFIX, "2/s"]
    processes = [subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) for _ in range(3)]
    taken = sorted(moment for process in processes for moment in json.loads(process.communicate()[0]))
    assert len(taken) >= 4, "it lets go again"
    # The moments are noted after Redis's own, hence the tolerance.
    gaps = [later - earlier for earlier, later in zip(taken, taken[2:], strict=False)]
    assert min(gaps) > 0.9


@pytest.mark.parametrize(
    ("text", "seconds"), [("1/s", [1]), ("2/s 60/min 5000/day", [1, 60, 86_400]), (" 9/hour ", [3600])]
)
def test_rates_are_read(text: str, seconds: list[int]) -> None:
    assert [rate.window.total_seconds() for rate in parse_rates(text)] == seconds
    assert isinstance(parse_rates(text)[0], Rate)


@pytest.mark.parametrize("text", ["", "1", "0/s", "-1/s", "1/week", "1/s,2/s", "1/s x", "1.5/s", "٣/s"])
def test_what_is_no_rate_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="write rates such as"):
        parse_rates(text)
