"""OpenCage, with a key. Its limits are those of the free trial; paid plans have others.

https://opencagedata.com/api
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
    """`no_record`: they don't keep what was asked."""
    return {
        "q": text,
        "key": key,
        "limit": MOST_CANDIDATES,
        "language": "en",
        "no_annotations": 1,
        "no_record": 1,
    }


def read(answer: Any) -> list[Candidate]:
    return [
        make_candidate(
            name=place["formatted"],
            latitude=place["geometry"]["lat"],
            longitude=place["geometry"]["lng"],
            country=place["components"].get("ISO_3166-1_alpha-2"),
        )
        for place in answer["results"]
    ]


register(
    Provider(
        code="opencage",
        url="https://api.opencagedata.com/geocode/v1/json",
        rates="1/s 2500/day",
        credit=Credit("OpenCage, © OpenStreetMap contributors", "https://opencagedata.com/credits"),
        parameters=parameters,
        read=read,
    )
)
