"""Limits on the login: guessing passwords has to be slow, from one address and for one user name."""

from typing import Any

from django.utils.crypto import salted_hmac
from rest_framework.request import Request
from rest_framework.throttling import SimpleRateThrottle


class LoginPerAddress(SimpleRateThrottle):
    scope = "login"

    def get_cache_key(self, request: Request, view: Any) -> str:
        return self.cache_format % {"scope": "login-address", "ident": self.get_ident(request)}


class LoginPerUsername(SimpleRateThrottle):
    scope = "login"

    def get_cache_key(self, request: Request, view: Any) -> str | None:
        """The name is hashed: it may be of any length, and a log of the cache should not tell it."""
        username = request.data.get("username") if isinstance(request.data, dict) else None
        if not isinstance(username, str):
            return None
        ident = salted_hmac("login-throttle", username.casefold()[:150].encode(errors="replace")).hexdigest()
        return self.cache_format % {"scope": "login-username", "ident": ident}
