"""Statements that matter stand in files of their own: `<app>/sql/<name>.sql`, each with a comment on what it is for."""

from foundation import app_files


def load(name: str) -> str:
    """Return the statement `name`, an app and a file without its ending: `load("trackers/insert_reports")`."""
    app, _, statement = name.partition("/")
    return app_files.text(f"{app}/sql/{statement}.sql")
