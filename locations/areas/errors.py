"""What is wrong with an area that was given."""

from collections.abc import Sequence

PathPart = str | int


class AreaError(ValueError):
    """No fence can be made of it. message: what is wrong and what to do; path: where in the GeoJSON, empty for all of
    it."""

    def __init__(self, message: str, *path: PathPart) -> None:
        self.message = message
        self.path = written_path(path)
        super().__init__(f"{message} (at {self.path})" if self.path else message)


def written_path(parts: Sequence[PathPart]) -> str:
    """As a reader of the file would write it: `coordinates[0][1]`."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts)
    return text.removeprefix(".")
