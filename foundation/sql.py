"""Statements that matter stand in files of their own: `<app>/sql/<name>.sql`, each with a comment on what it is for."""

from functools import cache
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[1]


@cache
def load(name: str) -> str:
    """Return the statement `name`, an app and a file without its ending: `load("trackers/insert_reports")`."""
    app, _, statement = name.partition("/")
    return (_ROOT / app / "sql" / f"{statement}.sql").read_text("utf-8")
