"""The basemap's MapLibre style: pure values, in a light and a dark theme.

It names no `glyphs`, so that the browser draws labels in a font of its own and asks no server for one.
"""

from typing import Any, Literal

from .archive import MAX_ZOOM

Theme = Literal["light", "dark"]
Layer = dict[str, Any]

ATTRIBUTION = "Natural Earth · GeoNames (CC BY 4.0)"
FONT = ["sans-serif"]
COLOURS: dict[Theme, dict[str, str]] = {
    "light": {
        "water": "#cbdce6",
        "land": "#f5f4ef",
        "border": "#b9b2a6",
        "river": "#b4cedb",
        "country": "#6b6f76",
        "city": "#3f454d",
        "dot": "#7b828b",
        "halo": "#ffffff",
    },
    "dark": {
        "water": "#10161d",
        "land": "#222a33",
        "border": "#4a5663",
        "river": "#16202a",
        "country": "#8b97a5",
        "city": "#c3ccd6",
        "dot": "#76828f",
        "halo": "#161c23",
    },
}


def build_style(theme: Theme, tiles: str) -> dict[str, Any]:
    """Return the style document that draws the vector tiles at `tiles`, an address with {z}, {x} and {y}."""
    colours = COLOURS[theme]
    return {
        "version": 8,
        "name": f"Glimpse {theme}",
        "sources": {
            "basemap": {
                "type": "vector",
                "tiles": [tiles],
                "minzoom": 0,
                "maxzoom": MAX_ZOOM,
                "attribution": ATTRIBUTION,
            }
        },
        "layers": [
            {"id": "water", "type": "background", "paint": {"background-color": colours["water"]}},
            *_areas(colours),
            *_lines(colours),
            *_labels(colours),
        ],
    }


def _layer(kind: str, source_layer: str, paint: dict[str, Any], **more: Any) -> Layer:
    return {
        "id": f"{source_layer}-{kind}",
        "type": kind,
        "source": "basemap",
        "source-layer": source_layer,
        "paint": paint,
        **more,
    }


def _by_zoom(*stops: Any) -> list[Any]:
    return ["interpolate", ["linear"], ["zoom"], *stops]


# Smaller places would be dots without a name until there is room for them.
_SHOWN_CITIES = [
    "any",
    ["get", "capital"],
    [
        ">=",
        ["get", "population"],
        ["step", ["zoom"], 1_000_000, 4, 300_000, 5, 100_000, 6, 50_000, 7, 15_000, 8, 0],
    ],
]


def _areas(colours: dict[str, str]) -> list[Layer]:
    return [
        _layer("fill", "land", {"fill-color": colours["land"], "fill-antialias": False}),
        _layer("fill", "lakes", {"fill-color": colours["water"]}),
    ]


def _lines(colours: dict[str, str]) -> list[Layer]:
    rounded = {"line-join": "round", "line-cap": "round"}
    river = {"line-color": colours["river"], "line-width": _by_zoom(3, 0.5, 6, 1.2, 12, 3)}
    border = {
        "line-color": colours["border"],
        "line-width": _by_zoom(0, 0.4, 4, 0.9, 8, 1.6),
        "line-dasharray": [4, 2],
    }
    return [
        _layer("line", "rivers", river, layout=rounded),
        _layer("line", "borders", border, layout={"line-join": "round"}),
    ]


def _labels(colours: dict[str, str]) -> list[Layer]:
    halo = {"text-halo-color": colours["halo"], "text-halo-width": 1.3, "text-halo-blur": 0.4}
    return [*_city_labels(colours, halo), *_country_labels(colours, halo)]


def _city_labels(colours: dict[str, str], halo: dict[str, Any]) -> list[Layer]:
    city_text = {
        "text-field": ["get", "name"],
        "text-font": FONT,
        "text-size": _by_zoom(
            3,
            ["case", ["get", "capital"], 11.5, 10.5],
            8,
            ["case", [">", ["get", "population"], 500_000], 16, 12],
        ),
        "text-variable-anchor": ["left", "right", "top", "bottom"],
        "text-radial-offset": 0.5,
        "text-max-width": 8,
        "symbol-sort-key": ["-", ["get", "population"]],
    }
    dot = {
        "circle-color": colours["dot"],
        "circle-radius": _by_zoom(2, 1.5, 8, 3),
        "circle-stroke-color": colours["halo"],
        "circle-stroke-width": 0.8,
    }
    return [
        _layer("circle", "cities", dot, minzoom=3, filter=_SHOWN_CITIES),
        _layer(
            "symbol",
            "cities",
            {"text-color": colours["city"], **halo},
            layout=city_text,
            minzoom=3,
            filter=_SHOWN_CITIES,
        ),
    ]


def _country_labels(colours: dict[str, str], halo: dict[str, Any]) -> list[Layer]:
    country_text = {
        "text-field": ["get", "name"],
        "text-font": FONT,
        "text-transform": "uppercase",
        "text-letter-spacing": 0.08,
        "text-size": _by_zoom(1, 9.5, 6, 15),
        "text-max-width": 7,
        "symbol-sort-key": ["get", "rank"],
    }
    paint = {"text-color": colours["country"], **halo}
    return [_layer("symbol", "countries", paint, layout=country_text, maxzoom=7)]
