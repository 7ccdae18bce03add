"""The basemap's PMTiles file, opened once per process."""

import hashlib
from functools import cache, lru_cache
from pathlib import Path

from django.conf import settings
from pmtiles.reader import MmapSource, Reader

MAX_ZOOM = 6


@cache
def reader() -> Reader:
    """Return the reader of the memory-mapped file; it has no state, so threads share it."""
    with path().open("rb") as file:
        return Reader(MmapSource(file))  # type: ignore[no-untyped-call]


@cache
def version() -> str:
    """Return a short digest of the file, which changes with every new build."""
    return hashlib.sha256(path().read_bytes()).hexdigest()[:16]


@lru_cache(maxsize=512)
def tile(z: int, x: int, y: int) -> bytes | None:
    """Return the gzipped vector tile, or None where there is only open sea."""
    found: bytes | None = reader().get(z, x, y)  # type: ignore[no-untyped-call]
    return found


def path() -> Path:
    """Return where the file is: bin/build-basemap puts it there."""
    return Path(settings.BASE_DIR) / "basemap" / "world.pmtiles"
