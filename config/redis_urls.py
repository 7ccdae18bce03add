"""Celery's form of a Redis URL."""

from urllib.parse import parse_qs, urlencode, urlsplit


def celery_broker_url(redis_url: str) -> str:
    """Turn redis-py's `unix:///path?db=1` into kombu's `redis+socket:///path?virtual_host=1`.

    URLs of other schemes are understood by both and come back as they are.
    """
    parts = urlsplit(redis_url)
    if parts.scheme != "unix":
        return redis_url
    database = parse_qs(parts.query).get("db", ["0"])[0]
    return f"redis+socket://{parts.path}?{urlencode({'virtual_host': database})}"
