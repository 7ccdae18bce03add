"""Files that belong to an app and are no Python, such as statements and scripts, by name rather than by path."""

from functools import cache
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[1]


def path(name: str) -> Path:
    """Where the file is: `path("locations/data/countries.json.gz")`."""
    return _ROOT / name


@cache
def text(name: str) -> str:
    """What is in the file, read once in a process."""
    return path(name).read_text("utf-8")
