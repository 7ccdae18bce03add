"""Nominatim, OpenStreetMap's own: the public server, which takes one request a second of all of us, or one's own.

https://nominatim.org/release-docs/latest/api/Search/ and https://operations.osmfoundation.org/policies/nominatim/
"""

from collections.abc import Mapping
from typing import Any

from locations.geocoding.provider import (
    MOST_CANDIDATES,
    Candidate,
    Credit,
    Provider,
    make_candidate,
    register,
)


def parameters(text: str, key: str) -> Mapping[str, str | int]:
    return {
        "q": text,
        "format": "jsonv2",
        "addressdetails": 1,
        "limit": MOST_CANDIDATES,
        "accept-language": "en",
    }


def read(answer: Any) -> list[Candidate]:
    """Read a list of places, whose coordinates are texts."""
    if not isinstance(answer, list):
        raise TypeError("no list of places")
    return [
        make_candidate(
            name=place["display_name"],
            latitude=place["lat"],
            longitude=place["lon"],
            country=place.get("address", {}).get("country_code"),
        )
        for place in answer
    ]


register(
    Provider(
        code="nominatim",
        url="https://nominatim.openstreetmap.org/search",
        rates="1/s",
        credit=Credit("© OpenStreetMap contributors", "https://www.openstreetmap.org/copyright"),
        parameters=parameters,
        read=read,
        needs_key=False,
    )
)
