import redis
from django.conf import settings
from django.core.cache import cache


def test_clearing_the_cache_leaves_the_queue_and_messages_alone():
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        neighbour = f"{settings.REDIS_PREFIX}fetch:neighbour"
        client.set(neighbour, "1", ex=60)
        cache.set("mine", 1)

        cache.clear()

        assert cache.get("mine") is None
        assert client.get(neighbour) == b"1"
        client.delete(neighbour)
