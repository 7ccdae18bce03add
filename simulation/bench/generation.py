"""Measures how fast key pairs are made and stored, beside the bare generation that nobody can do without."""

import time
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from keys.services import generating

KEYS = 20_000
KEYS_PER_TURN = generating.KEYS_PER_TRANSACTION


def measure(*, now: datetime) -> dict[str, float]:
    """`keys_per_s`: drawn, sealed and stored, by one process; `key_limit_per_s`: drawn only, by the same process.

    In turns of a batch, so that both see the same machine.
    """
    batch = generating.create_batch(label="Generation", devices=KEYS, keys_per_device=1, actor=None, now=now)
    ours = limit = 0.0
    unfinished = True
    while unfinished:
        begin = time.perf_counter()
        unfinished = generating.continue_batch(batch=batch, now=now)
        ours += time.perf_counter() - begin
        limit += _bare_generation(KEYS_PER_TURN)
    return {
        "keys_per_s": round(KEYS / ours),
        "key_limit_per_s": round(KEYS / limit),
        "keys_share_of_limit": round(limit / ours, 3),
    }


def _bare_generation(number: int) -> float:
    """Seconds of drawing this many private keys and encoding their public keys."""
    curve = ec.SECP224R1()
    begin = time.perf_counter()
    for _ in range(number):
        key = ec.generate_private_key(curve)
        key.public_key().public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
    return time.perf_counter() - begin
