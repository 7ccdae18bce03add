"""What could be a private key, whole, cut or in the wrong column: no message and no file of rejects repeats it."""

import re

_KEY_LIKE = re.compile(r"[A-Za-z0-9+/=_-]{24,}")
_KEY = re.compile(r"(?:0x)?[0-9a-fA-F]{56}|[A-Za-z0-9+/_-]{38}={0,2}")


def could_be_key(text: str) -> bool:
    return bool(_KEY_LIKE.search(text))


def is_key(text: str) -> bool:
    """Whether a text is 28 bytes in hex or base64: a public key, or a private one."""
    return bool(_KEY.fullmatch(text.strip()))
