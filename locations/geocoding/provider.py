"""What a geocoder is: how it is asked, how its answers are read, and the register of those that are known."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, NamedTuple

# As many as people look at; a location's address has room for as many characters.
MOST_CANDIDATES = 8
LONGEST_NAME = 300


class Candidate(NamedTuple):
    """A place that an address may mean. country: ISO 3166-1 in capitals, or empty."""

    name: str
    latitude: float
    longitude: float
    country: str


class Credit(NamedTuple):
    """What has to stand beside a provider's answers, and the page that explains it."""

    text: str
    url: str


@dataclass(frozen=True)
class Provider:
    """A kind of geocoder.

    url: of its public server. rates: its published limit, as in `turns.parse_rates`.
    parameters: the query string for a text and a key. read: candidates from its parsed JSON, best first; whatever
    KeyError, TypeError, ValueError or IndexError it raises makes the answer malformed.
    says_nothing_found: whether an answer that is not 200 means that there is no such address.
    keep: how long its terms let an answer be kept.
    """

    code: str
    url: str
    rates: str
    credit: Credit
    parameters: Callable[[str, str], Mapping[str, str | int]]
    read: Callable[[Any], list[Candidate]]
    needs_key: bool = True
    says_nothing_found: Callable[[int, bytes], bool] = lambda status, body: False
    keep: timedelta = timedelta(days=30)


PROVIDERS: dict[str, Provider] = {}


def register(provider: Provider) -> None:
    """Make a provider known under its code."""
    if provider.code in PROVIDERS:
        raise ValueError(f"two geocoders are called {provider.code}")
    PROVIDERS[provider.code] = provider


def make_candidate(*, name: Any, latitude: Any, longitude: Any, country: Any) -> Candidate:
    """Check what an answer says of one place. Raises TypeError or ValueError."""
    place = Candidate(" ".join(str(name).split())[:LONGEST_NAME], float(latitude), float(longitude), "")
    if not isinstance(name, str) or not place.name or "\0" in name:
        raise ValueError("a place without a name")
    if not (-90 <= place.latitude <= 90 and -180 <= place.longitude <= 180):
        raise ValueError("coordinates that are none")
    code = str(country or "").upper()
    return place._replace(country=code if len(code) == 2 and code.isalpha() and code.isascii() else "")
