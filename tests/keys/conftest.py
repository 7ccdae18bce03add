"""Batches with real, sealed keys."""

from collections.abc import Callable

import pytest

from keys.models import KeyBatch
from simulation.devices import make_batch
from tests.factories import NOW

Generate = Callable[..., KeyBatch]


@pytest.fixture
def generate() -> Generate:
    def generate_batch(label="Batch", devices=3, keys_per_device=2, actor=None):
        return make_batch(label=label, devices=devices, keys_per_device=keys_per_device, actor=actor, now=NOW)

    return generate_batch
