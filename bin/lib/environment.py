"""What a process of this checkout finds in its environment."""

import base64
import os
import re
import secrets
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LOCAL = ROOT / ".local"
VENV = ROOT / ".venv"


def configured(name: str) -> str:
    """The value of a variable set in the environment or, failing that, in .env; "" if in neither."""
    return os.environ.get(name) or dotenv().get(name, "")


def dotenv() -> dict[str, str]:
    try:
        return _assignments((ROOT / ".env").read_text())
    except FileNotFoundError:
        return {}


def _assignments(text: str) -> dict[str, str]:
    pairs = re.findall(r"^\s*(?:export\s+)?(\w+)\s*=[ \t]*(.*?)[ \t]*$", text, re.MULTILINE)
    return {name: value.strip("'\"") for name, value in pairs}


def development_defaults() -> dict[str, str]:
    """DEBUG and secrets of this checkout's own, unless somebody configured real ones.

    A SECRET_KEY from outside means a real installation: there DEBUG stays off.
    """
    stored = _stored_secrets()
    defaults = {name: value for name, value in stored.items() if not configured(name)}
    if "SECRET_KEY" in defaults and not configured("DEBUG"):
        defaults["DEBUG"] = "true"
    return defaults


def _stored_secrets() -> dict[str, str]:
    path = LOCAL / "env"
    if not path.exists():
        values = {
            "SECRET_KEY": secrets.token_urlsafe(50),
            "VAULT_MASTER_KEYS": base64.b64encode(secrets.token_bytes(32)).decode(),
        }
        unfinished = path.with_suffix(".tmp")
        unfinished.unlink(missing_ok=True)
        with os.fdopen(os.open(unfinished, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
            file.writelines(f"{name}={value}\n" for name, value in values.items())
        unfinished.rename(path)
    return _assignments(path.read_text())


def with_venv(environ: dict[str, str]) -> dict[str, str]:
    environ = {**environ, "VIRTUAL_ENV": str(VENV), "PATH": f"{VENV}/bin:{environ.get('PATH', os.defpath)}"}
    environ.pop("PYTHONHOME", None)
    return environ
