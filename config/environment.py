"""The environment as the settings read it: a value that makes no sense, or a variable that nothing reads, stops the
start with a line that names it. No message repeats a value, which may be a secret in the wrong place."""

import difflib
import math
import re
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured

YES, NO = ("true", "on", "ok", "y", "yes", "1"), ("false", "off", "n", "no", "0")
# Nothing else begins its variables so: what is unknown there is a mistake. Elsewhere others may have their own.
OUR_PREFIXES = ("FINDMY_", "ALERT_", "GEOCODER_")

_RATE = re.compile(r"[1-9]\d*/(s|sec|second|m|min|minute|h|hour|d|day)")
_ASSIGNMENT = re.compile(r"^\s*(?:export\s+)?([A-Za-z_]\w*)\s*=", re.MULTILINE)
_ALMOST = 0.85


class Environment(environ.Env):  # type: ignore[misc]
    """Remembers which variables it was asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def get_value(self, var: str, *args: Any, **options: Any) -> Any:
        self.names.add(var)
        return super().get_value(var, *args, **options)

    def bool(self, var: str, default: bool) -> bool:
        text = self._text(var)
        if text is None:
            return default
        if text.lower() not in (*YES, *NO):
            raise ImproperlyConfigured(f"{var} is neither true nor false.")
        return text.lower() in YES

    def int(self, var: str, default: int, *, least: int = 0) -> int:
        text = self._text(var)
        if text is None:
            return default
        if not re.fullmatch(r"-?\d{1,15}", text, re.ASCII) or int(text) < least:
            raise ImproperlyConfigured(f"{var} is no whole number of at least {least}.")
        return int(text)

    def float(self, var: str, default: float, *, above: float | None = None) -> float:
        """At least 0, or more than `above`."""
        text = self._text(var)
        if text is None:
            return default
        try:
            number = float(text)
        except ValueError:
            number = math.nan
        if not math.isfinite(number) or number < 0 or (above is not None and number <= above):
            raise ImproperlyConfigured(
                f"{var} is no number {'of at least 0' if above is None else f'above {above}'}."
            )
        return number

    def list(self, var: str, default: list[str]) -> list[str]:
        """Texts separated by commas, without the space around them."""
        text = self._text(var)
        return default if text is None else [part.strip() for part in text.split(",") if part.strip()]

    def choice(self, var: str, choices: Collection[str], default: str) -> str:
        text = self._text(var)
        if text is not None and text not in choices:
            raise ImproperlyConfigured(f"{var} is none of {', '.join(choices)}.")
        return default if text is None else text

    def rate(self, var: str, default: str) -> str:
        """How often something may be done: 60/min."""
        text = self._text(var)
        if text is not None and not _RATE.fullmatch(text):
            raise ImproperlyConfigured(f"{var} is no rate such as 60/min, 10/s or 1000/day.")
        return default if text is None else text

    def refuse_unknown(self, environment: Mapping[str, str], dotenv: Path) -> None:
        """Raise ImproperlyConfigured for variables that nothing reads, though they were meant for us: by their
        beginning, or, in our own file, since they are almost the name of one."""
        in_file = _ASSIGNMENT.findall(dotenv.read_text("utf-8")) if dotenv.is_file() else []
        ours = [name for name in (*environment, *in_file) if name.startswith(OUR_PREFIXES)]
        almost = [
            name for name in in_file if difflib.get_close_matches(name, self.names, n=1, cutoff=_ALMOST)
        ]
        if unknown := sorted({*ours, *almost} - self.names):
            raise ImproperlyConfigured(" ".join(self._told(unknown)))

    def _told(self, unknown: Iterable[str]) -> Iterable[str]:
        for name in unknown:
            close = difflib.get_close_matches(name, self.names, n=1)
            meant = f" Did you mean {close[0]}?" if close else ""
            yield f"{name} is no variable of Glimpse; .env.example lists them.{meant}"

    def _text(self, var: str) -> str | None:
        """The value without space around it; None where the variable is not set or empty."""
        text: str = self.get_value(var, default="")
        return text.strip() or None
