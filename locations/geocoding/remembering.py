"""Answers that need not be asked for again.

They are in Django's cache, which all processes share and which ends them by itself; a table would need a task that
prunes it, for something that may be lost. There are SLOTS of them and no more: an address's slot is computed from it,
and a new answer takes the place of an old one, so that no amount of searching fills the Redis that the queue is in.
"""

import hashlib
from collections.abc import Collection
from datetime import timedelta

from django.core.cache import cache

from locations.geocoding.provider import Candidate

SLOTS = 4096
# Somebody may just have added the address to the map.
KEEP_NOTHING_FOUND = timedelta(hours=6)


def recall(query: str, providers: Collection[str]) -> tuple[str, list[Candidate]] | None:
    """Return who of these answered the query, and what; None if nobody is known to have."""
    kept = cache.get(_slot(query))
    if kept is None or kept[0] != _same(query) or kept[1] not in providers:
        return None
    return kept[1], [Candidate(*each) for each in kept[2]]


def remember(query: str, provider: str, candidates: list[Candidate], *, keep: timedelta) -> None:
    """Keep an answer; that nothing was found for a short time only."""
    period = keep if candidates else min(keep, KEEP_NOTHING_FOUND)
    found = [tuple(each) for each in candidates]
    cache.set(_slot(query), (_same(query), provider, found), period.total_seconds())


def _same(query: str) -> str:
    """Spelling that makes no difference to an address."""
    return query.casefold()


def _slot(query: str) -> str:
    digest = hashlib.sha256(_same(query).encode()).digest()
    return f"address:{int.from_bytes(digest[:4]) % SLOTS}"
