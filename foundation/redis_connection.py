"""The connection to Redis that the code of every app shares."""

from functools import cache

import redis


@cache
def connect(url: str) -> redis.Redis:
    """Return this process's client; forked processes open connections of their own."""
    return redis.Redis.from_url(url, socket_timeout=10, socket_connect_timeout=5)
