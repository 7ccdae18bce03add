"""Scripts that Redis runs as one step stand in files of their own: `<app>/lua/<name>.lua`."""

from foundation import app_files


def load(name: str) -> str:
    """Return the script `name`, an app and a file without its ending: `load("ingestion/claim")`."""
    app, _, script = name.partition("/")
    return app_files.text(f"{app}/lua/{script}.lua")
