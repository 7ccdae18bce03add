"""Reads of key pairs: their public side only."""

import base64
from collections import defaultdict
from collections.abc import Collection
from typing import NamedTuple

from keys.models import KeyPair


class PublicKey(NamedTuple):
    """A device's key without its secret; advertisement_key has 28 bytes."""

    tracker_id: int
    hashed_key: str
    advertisement_key: bytes

    @property
    def encoded_key(self) -> str:
        """The advertisement key in base64."""
        return base64.b64encode(self.advertisement_key).decode("ascii")


def public_keys_of(*, tracker_ids: Collection[int]) -> dict[int, list[PublicKey]]:
    """The keys of each tracker that has some, in the order in which the device rotates through them; one query."""
    pairs = (
        KeyPair.objects.filter(tracker__in=tracker_ids)
        .order_by("tracker", "batch", "device_index", "key_index")
        .values_list("tracker_id", "hashed_key", "advertisement_key")
    )
    keys: defaultdict[int, list[PublicKey]] = defaultdict(list)
    for tracker_id, hashed_key, advertisement_key in pairs:
        keys[tracker_id].append(PublicKey(tracker_id, hashed_key, bytes(advertisement_key)))
    return dict(keys)
