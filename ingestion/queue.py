"""The fetch queue: a Redis sorted set of tracker ids by due time (ms since 1970), an index of FetchState.

A claim moves a tracker to the end of its lease, so a worker that dies gives it back by doing nothing. That score is
also the claim's token: whoever ends a claim must still hold it.

The clock is an argument and not Redis's own, because due times are made by the workers' clocks and compared with
them, and because fairness can then be tested on a simulated one. A worker whose clock is wrong by some seconds holds
its leases that much longer or shorter; machines need NTP, as Celery does.
"""

from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import redis
from django.conf import settings

from foundation import lua
from foundation.redis_connection import connect

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)


class Claim(NamedTuple):
    """A tracker that is ours until `lease_ends_at`. due_at: when it was due, to the millisecond."""

    tracker_id: int
    due_at: datetime
    lease_ends_at: datetime


def fetch_queue() -> "FetchQueue":
    """Return the queue that the settings name."""
    return FetchQueue(
        connect(settings.REDIS_URL),
        key=f"{settings.REDIS_PREFIX}fetch:due",
        lease=timedelta(seconds=settings.FETCH_LEASE_S),
    )


class FetchQueue:
    """All methods raise `redis.RedisError` if Redis is out of reach."""

    def __init__(self, client: redis.Redis, *, key: str, lease: timedelta) -> None:
        self._client = client
        self._key = key
        self._lease = lease
        self._claim = client.register_script(lua.load("ingestion/claim"))
        self._end_claims = client.register_script(lua.load("ingestion/end_claims"))
        self._restore = client.register_script(lua.load("ingestion/restore"))

    def __len__(self) -> int:
        return int(self._client.zcard(self._key))

    def claim(self, *, limit: int, now: datetime) -> list[Claim]:
        """Take up to `limit` trackers that are due, oldest due first."""
        lease_ends_at = _from_ms(_to_ms(now + self._lease))
        found = self._claim(keys=[self._key], args=[_to_ms(now), _to_ms(lease_ends_at), limit])
        pairs = zip(found[::2], found[1::2], strict=True)
        return [Claim(int(member), _from_ms(int(score)), lease_ends_at) for member, score in pairs]

    def reschedule(self, dues: Mapping[Claim, datetime]) -> int:
        """End claims whose trackers are due again at these moments. Returns how many were still held."""
        return self._end({claim: str(_to_ms(due_at)) for claim, due_at in dues.items()})

    def release(self, claims: Collection[Claim]) -> int:
        """Give claims back as they were, with their due times. Returns how many were still held."""
        return self.reschedule({claim: claim.due_at for claim in claims})

    def drop(self, claims: Collection[Claim]) -> int:
        """End claims of trackers that are not to be fetched any more. Returns how many were still held."""
        return self._end(dict.fromkeys(claims, ""))

    def restore(self, dues: Mapping[int, datetime], *, now: datetime) -> int:
        """Add what is missing and correct due times by tracker id, without touching leases.

        Returns how many were missing or wrong.
        """
        if not dues:
            return 0
        arguments: list[int] = [_to_ms(now + self._lease)]
        for tracker_id, due_at in dues.items():
            arguments += (tracker_id, _to_ms(due_at))
        return int(self._restore(keys=[self._key], args=arguments))

    def remove(self, tracker_ids: Collection[int]) -> int:
        """Take trackers out, claimed or not. Returns how many were in."""
        if not tracker_ids:
            return 0
        return int(self._client.zrem(self._key, *tracker_ids))

    def tracker_ids(self, *, batch_size: int = 1000) -> Iterator[list[int]]:
        """Yield the ids in the queue in batches; one that is moved meanwhile may come twice."""
        cursor = 0
        while True:
            cursor, found = self._client.zscan(self._key, cursor, count=batch_size)
            yield [int(member) for member, _ in found]
            if not cursor:
                return

    def scheduled(self, tracker_id: int) -> datetime | None:
        """Return when a tracker comes due or its lease ends, None if it is not queued."""
        score = self._client.zscore(self._key, str(tracker_id))
        return None if score is None else _from_ms(int(score))

    def _end(self, scores: Mapping[Claim, str]) -> int:
        if not scores:
            return 0
        arguments: list[str | int] = []
        for claim, score in scores.items():
            arguments += (claim.tracker_id, _to_ms(claim.lease_ends_at), score)
        return int(self._end_claims(keys=[self._key], args=arguments))


def _to_ms(moment: datetime) -> int:
    return (moment - _EPOCH) // _MS


def _from_ms(milliseconds: int) -> datetime:
    return _EPOCH + milliseconds * _MS
