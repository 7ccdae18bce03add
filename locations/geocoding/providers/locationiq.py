"""LocationIQ: Nominatim's format, with a key. Its limits are those of the free plan; paid ones have others.

https://docs.locationiq.com/reference/search
"""

from collections.abc import Mapping
from datetime import timedelta

from locations.geocoding.provider import Credit, Provider, register
from locations.geocoding.providers import nominatim


def parameters(text: str, key: str) -> Mapping[str, str | int]:
    return {**nominatim.parameters(text, key), "format": "json", "key": key}


def says_nothing_found(status: int, body: bytes) -> bool:
    return status == 404 and b"Unable to geocode" in body


register(
    Provider(
        code="locationiq",
        url="https://eu1.locationiq.com/v1/search",
        rates="2/s 60/min 5000/day",
        credit=Credit("Search by LocationIQ.com, © OpenStreetMap contributors", "https://locationiq.com/"),
        parameters=parameters,
        read=nominatim.read,
        says_nothing_found=says_nothing_found,
        keep=timedelta(hours=48),
    )
)
