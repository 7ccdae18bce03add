"""Reads of key pairs: their public side only."""

import base64
from collections import defaultdict
from collections.abc import Collection, Iterator
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

from clients.models import User
from keys.models import KeyPair, Manufacturer


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


def advertisement_keys(*, batch_id: int, first: int, last: int) -> Iterator[tuple[int, tuple[bytes, ...]]]:
    """The keys of a batch's devices from `first` up to `last` (excluded), by device index; one query, by index."""
    pairs = (
        KeyPair.objects.filter(batch=batch_id, device_index__gte=first, device_index__lt=last)
        .order_by("device_index", "key_index")
        .values_list("device_index", "advertisement_key")
    )
    for device_index, keys in groupby(pairs, key=itemgetter(0)):
        yield device_index, tuple(bytes(key) for _, key in keys)


def works_for_a_manufacturer(user: User) -> bool:
    return Manufacturer.objects.of_user(user).exists()
