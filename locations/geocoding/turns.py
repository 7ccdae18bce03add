"""Rates that all processes keep together: a number of turns in a window, counted in Redis by one Lua call."""

import re
import secrets
from collections.abc import Sequence
from datetime import timedelta
from typing import NamedTuple

from django.conf import settings

from foundation import lua
from foundation.redis_connection import connect

_WINDOWS = {
    "s": timedelta(seconds=1),
    "min": timedelta(minutes=1),
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
}
_RATE = re.compile(rf"([1-9]\d{{0,5}})/({'|'.join(_WINDOWS)})", re.ASCII)


class Rate(NamedTuple):
    """At most this many turns in any window of this length."""

    turns: int
    window: timedelta


def parse_rates(text: str) -> tuple[Rate, ...]:
    """Read rates such as `1/s` or `2/s 60/min 5000/day`. Raises ValueError."""
    found = [_RATE.fullmatch(word) for word in text.split()]
    rates = tuple(Rate(int(match[1]), _WINDOWS[match[2]]) for match in found if match)
    if not rates or len(rates) < len(found):
        raise ValueError(f"{text!r}: write rates such as 1/s or 60/min, of {', '.join(_WINDOWS)}")
    return rates


def take_turn(name: str, rates: Sequence[Rate]) -> float:
    """Take a turn within all rates: 0 if it is ours, otherwise the seconds until there may be one.

    Raises redis.RedisError.
    """
    script = connect(settings.REDIS_URL).register_script(lua.load("locations/take_turn"))
    arguments: list[str | int] = [secrets.token_hex(8)]
    for rate in rates:
        arguments += (rate.window // timedelta(milliseconds=1), rate.turns)
    return int(script(keys=[f"{settings.REDIS_PREFIX}turns:{name}"], args=arguments)) / 1000
