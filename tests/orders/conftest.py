"""What a released device means for fetching is tried with the real queue."""

from tests.ingestion.conftest import own_redis_keys, queue

__all__ = ["own_redis_keys", "queue"]
