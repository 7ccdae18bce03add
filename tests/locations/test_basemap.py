"""The offline basemap: tiles, style, and the vendored libraries that draw it."""

import gzip
import hashlib
import json
import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.test import Client
from django.urls import include, path

from locations.basemap import archive
from locations.basemap.style import build_style

urlpatterns = [path("basemap/", include("locations.basemap.urls"))]
pytestmark = [pytest.mark.urls(__name__)]
VENDOR = Path(settings.BASE_DIR) / "static" / "vendor"
OPEN_SEA = (6, 5, 40)


@pytest.fixture
def visitor(settings) -> Client:
    """A visitor who is not logged in."""
    settings.SECURE_SSL_REDIRECT = False
    settings.BASEMAP_STYLE_URL = ""
    return Client()


def test_tile_is_a_gzipped_vector_tile_with_every_layer(visitor):
    response = visitor.get("/basemap/4/8/5.mvt")
    assert response.status_code == 200
    assert response["Content-Type"] == "application/vnd.mapbox-vector-tile"
    assert response["Content-Encoding"] == "gzip"
    content = gzip.decompress(response.content)
    for layer in (b"land", b"countries", b"borders", b"lakes", b"rivers", b"cities", b"Berlin"):
        assert layer in content


def test_tile_may_be_cached_and_is_revalidated_by_its_etag(visitor):
    first = visitor.get("/basemap/2/1/1.mvt")
    assert re.fullmatch(r"public, max-age=\d{6,}", first["Cache-Control"])
    again = visitor.get("/basemap/2/1/1.mvt", headers={"if-none-match": first["ETag"]})
    assert again.status_code == 304
    assert visitor.get("/basemap/2/1/2.mvt")["ETag"] != first["ETag"]


def test_tile_of_the_open_sea_is_empty(visitor):
    response = visitor.get("/basemap/{}/{}/{}.mvt".format(*OPEN_SEA))
    assert response.status_code == 204
    assert response.content == b""


@pytest.mark.parametrize("where", ["7/0/0", "0/1/0", "3/8/0", "3/0/8", "60/0/0"])
def test_tile_outside_the_range_is_not_found(visitor, where):
    assert visitor.get(f"/basemap/{where}.mvt").status_code == 404


def test_tiles_only_answer_reads(visitor):
    assert visitor.post("/basemap/0/0/0.mvt").status_code == 405


def test_every_tile_of_the_first_zooms_holds_land_or_is_absent():
    tiles = [archive.tile(z, x, y) for z in range(4) for x in range(2**z) for y in range(2**z)]
    contents = [gzip.decompress(tile) for tile in tiles if tile]
    assert len(contents) > 60
    assert all(b"land" in content for content in contents)


def test_file_is_opened_once():
    assert archive.reader() is archive.reader()


def test_archive_has_the_zooms_that_the_style_promises():
    header = archive.reader().header()
    assert (header["min_zoom"], header["max_zoom"]) == (0, archive.MAX_ZOOM)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_style_asks_no_other_host_and_names_no_glyphs(visitor, theme):
    response = visitor.get(f"/basemap/style.json?theme={theme}")
    style = response.json()
    assert style["name"] == f"Glimpse {theme}"
    assert "glyphs" not in style
    assert "sprite" not in style
    assert not re.search(r"https?://|//", response.content.decode())
    assert "GeoNames" in style["sources"]["basemap"]["attribution"]
    assert "max-age" in response["Cache-Control"]


def test_style_names_tiles_that_exist_and_change_address_with_the_file(visitor):
    (tiles,) = visitor.get("/basemap/style.json").json()["sources"]["basemap"]["tiles"]
    address = tiles.format(z=1, x=0, y=0)
    assert visitor.get(address).status_code == 200
    assert urlsplit(address).query == f"v={archive.version()}"


def test_style_of_an_unknown_theme_is_light(visitor):
    assert visitor.get("/basemap/style.json?theme=<b>").json()["name"] == "Glimpse light"


def test_a_customer_plugs_in_other_tiles(visitor, settings):
    settings.BASEMAP_STYLE_URL = "https://tiles.example.com/{theme}/style.json"
    response = visitor.get("/basemap/style.json?theme=dark")
    assert response.status_code == 302
    assert response["Location"] == "https://tiles.example.com/dark/style.json"


def test_themes_have_the_same_layers():
    light, dark = (build_style(theme, "/{z}/{x}/{y}")["layers"] for theme in ("light", "dark"))
    assert [layer["id"] for layer in light] == [layer["id"] for layer in dark]
    assert light[0]["paint"] != dark[0]["paint"]


def test_vendored_files_are_those_of_the_manifest():
    packages = json.loads((VENDOR / "manifest.json").read_text())["packages"]
    listed = {
        f"{package['name']}/{name}": digest
        for package in packages
        for name, digest in package["sha256"].items()
    }
    mine = {package["name"] for package in packages}
    found = {
        f"{file.parent.name}/{file.name}": hashlib.sha256(file.read_bytes()).hexdigest()
        for name in mine
        for file in (VENDOR / name).iterdir()
    }
    assert found == listed
    assert all(f"{name}/LICENSE" in listed for name in mine)


def test_vendored_files_have_no_source_map_comment():
    scripts = [*VENDOR.rglob("*.*js"), *VENDOR.rglob("*.css")]
    assert scripts
    assert not [file.name for file in scripts if b"sourceMappingURL" in file.read_bytes()]
