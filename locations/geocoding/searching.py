"""From an address to the places that it may mean: out of the cache, or by the first geocoder that answers."""

import time
import unicodedata
from collections.abc import Callable
from typing import NamedTuple

import redis
import structlog
from django.core.cache import cache
from django.db import connection

from foundation.deadlines import Clock, Deadline
from foundation.errors import OpenTransactionError
from locations.geocoding import remembering, turns
from locations.geocoding.client import Geocoder
from locations.geocoding.configuration import configured
from locations.geocoding.errors import (
    AddressSearchError,
    BadAddressError,
    BusyError,
    GeocoderError,
    UnreachableError,
)
from locations.geocoding.provider import PROVIDERS, Candidate, Credit

log = structlog.get_logger(__name__)

SHORTEST_ADDRESS, LONGEST_ADDRESS = 2, 200
# How long somebody who searches waits for a turn, and after what time no further geocoder is tried.
PATIENCE_S = 2.0
LONGEST_SEARCH_S = 15.0


class Found(NamedTuple):
    """Places, best first, and what has to stand beside them."""

    candidates: list[Candidate]
    credit: Credit


def find_addresses(*, text: str, clock: Clock, sleep: Callable[[float], None] = time.sleep) -> Found:
    """Return the places that an address may mean; none if the geocoder knows none.

    clock: what the search is measured by; sleep: takes the seconds of each wait for a turn. Raises BadAddressError,
    NoGeocoderError, AddressSearchError; OpenTransactionError within a transaction.
    """
    if connection.in_atomic_block:
        raise OpenTransactionError(
            "Search addresses outside of transaction.atomic(): the network may take seconds."
        )
    query = read_address(text)
    geocoders = configured()
    try:
        kept = remembering.recall(query, [geocoder.provider.code for geocoder in geocoders])
        if kept:
            return Found(kept[1], PROVIDERS[kept[0]].credit)
        return _ask_in_order(geocoders, query, clock, sleep)
    except redis.RedisError as error:
        log.warning("address_search_without_redis", error=type(error).__name__)
        raise AddressSearchError("Addresses can't be searched now: Redis is out of reach.") from error


def read_address(text: str) -> str:
    """Bring what people type into one form. Raises BadAddressError."""
    spaced = " ".join(unicodedata.normalize("NFKC", text[: LONGEST_ADDRESS * 4]).split())
    query = "".join(letter for letter in spaced if letter.isprintable())
    if not SHORTEST_ADDRESS <= len(query) <= LONGEST_ADDRESS:
        raise BadAddressError(
            f"Type an address of {SHORTEST_ADDRESS} to {LONGEST_ADDRESS} characters, such as a street and a town."
        )
    return query


def _ask_in_order(
    geocoders: list[Geocoder], query: str, clock: Clock, sleep: Callable[[float], None]
) -> Found:
    deadline = Deadline(clock, LONGEST_SEARCH_S)
    failures: list[str] = []
    for geocoder in geocoders:
        provider = geocoder.provider
        if deadline.passed:
            break
        try:
            candidates = _ask(geocoder, query, clock, sleep)
        except GeocoderError as error:
            log.warning(
                "geocoder_failed", geocoder=provider.code, kind=type(error).__name__, error=str(error)
            )
            failures.append(f"{provider.code} {error}")
            continue
        remembering.remember(query, provider.code, candidates, keep=provider.keep)
        return Found(candidates, provider.credit)
    raise AddressSearchError(f"No geocoder can be asked now ({'; '.join(failures)}).")


def _ask(geocoder: Geocoder, query: str, clock: Clock, sleep: Callable[[float], None]) -> list[Candidate]:
    resting = f"geocoder:rests:{geocoder.provider.code}"
    why = cache.get(resting)
    if why:
        raise UnreachableError(f"is cooling down after a failure: {why}")
    _wait_for_turn(geocoder, sleep)
    try:
        return geocoder.candidates(query, clock=clock)
    except GeocoderError as error:
        if error.rest_s:
            cache.set(resting, str(error), error.rest_s)
        raise


def _wait_for_turn(geocoder: Geocoder, sleep: Callable[[float], None]) -> None:
    waited_s = 0.0
    while wait_s := turns.take_turn(f"geocoder:{geocoder.provider.code}", geocoder.rates):
        if waited_s + wait_s > PATIENCE_S:
            raise BusyError("has been asked as often as its limit allows")
        sleep(wait_s)
        waited_s += wait_s
