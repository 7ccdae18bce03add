"""A fleet with real keys, a gateway that serves it, and a clock that tests move."""

import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest

from ingestion.findmy.client import GatewayClient
from ingestion.queue import FetchQueue, fetch_queue
from ingestion.services import fetching, queueing
from keys import advertisement
from keys.models import KeyPair
from simulation.devices import make_batch, stock_devices
from simulation.findmy.gateway import LocalGateway
from tests.factories import AssignmentFactory, RunFactory
from tests.simulation.findmy import worlds
from trackers.models import Tracker

Fleet = Callable[..., list[Tracker]]


@dataclass
class SimulatedClock:
    """A clock to hand in: called, it tells `now`."""

    now: datetime = worlds.WHEN_ALL_IS_PUBLISHED

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **delta: float) -> datetime:
        self.now += timedelta(**delta)
        return self.now


@pytest.fixture
def clock() -> SimulatedClock:
    return SimulatedClock()


@pytest.fixture
def own_redis_keys(settings) -> str:
    """Redis keys that no other test sees."""
    settings.REDIS_PREFIX = f"{settings.REDIS_PREFIX}{secrets.token_hex(4)}:"
    return settings.REDIS_PREFIX


@pytest.fixture
def queue(own_redis_keys) -> FetchQueue:
    return fetch_queue()


@pytest.fixture
def make_fleet(clock) -> Fleet:
    """Make active trackers with real, sealed keys, assigned to one run."""

    def make(devices: int, *, keys_per_device: int = 1) -> list[Tracker]:
        batch = make_batch(
            label=secrets.token_hex(4),
            devices=devices,
            keys_per_device=keys_per_device,
            actor=None,
            now=clock(),
        )
        serials: dict[int, str | None] = dict.fromkeys(range(devices))
        trackers = stock_devices(batch=batch, serials=serials, now=clock())
        made = Tracker.objects.filter(pk__in=[tracker.pk for tracker in trackers])
        for state in (Tracker.State.ALLOCATED, Tracker.State.ACTIVE):
            made.update(state=state)
        run = RunFactory()
        for tracker in trackers:
            tracker.refresh_from_db()
            AssignmentFactory(tracker=tracker, run=run)
        return trackers

    return make


def planned(tracker: Tracker) -> dict:
    """The tracker as a gateway's plan has it."""
    pairs = KeyPair.objects.filter(tracker=tracker).order_by("key_index")
    return worlds.tracker([advertisement.KeyPair(b"", bytes(pair.advertisement_key)) for pair in pairs])


@pytest.fixture
def serve(settings, clock, own_redis_keys) -> Iterator[Callable[..., LocalGateway]]:
    """Start a gateway that serves these trackers, and point the settings at it."""
    running: list[LocalGateway] = []

    def start(trackers: list[Tracker], **options) -> LocalGateway:
        plan = worlds.plan([planned(tracker) for tracker in trackers])
        gateway = LocalGateway(plan, **({"clock": clock} | options))
        gateway.start()
        running.append(gateway)
        settings.FINDMY_URL = gateway.fetch_url()
        settings.FINDMY_ANISETTE_URL = gateway.url
        settings.FINDMY_PROTOCOL = "v2"
        settings.FINDMY_ACCOUNTS = ["one:1001:token-one"]
        settings.FINDMY_REQUESTS_PER_ACCOUNT_PER_HOUR = 1000
        settings.FETCH_INTERVAL_MINUTES = 20
        settings.FETCH_LEASE_S = 300
        settings.MAX_BACKOFF_HOURS = 6
        return gateway

    yield start
    for gateway in running:
        gateway.stop()


@pytest.fixture
def fetch(clock, queue):
    """Sync the queue and fetch all that is due, without waiting for anything."""

    def run(**options):
        queueing.sync_queue(now=clock())
        return fetching.fetch_due(clock=clock, time_budget_s=10, sleep=lambda _: None, **options)

    return run


@pytest.fixture
def answering(monkeypatch):
    """Replace the gateway's answers by what a function of the keys asked for returns."""

    def use(answer):
        monkeypatch.setattr(GatewayClient, "fetch", lambda self, hashed_keys, *_: answer(hashed_keys))

    return use
