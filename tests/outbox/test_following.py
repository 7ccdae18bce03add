"""A follower beside workers that record at once: what it believes in the end is what is stored."""

import random
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.contrib.gis.geos import Point
from django.db import connection

from tests.factories import NOW, AssignmentFactory, DeliveryFactory, RunFactory, StorageFactory
from tests.outbox.folding import fold, stored
from tests.outbox.reading import read_after
from tests.trackers.reports import LATITUDE, incoming, longitude_at
from trackers.services.reports.recording import record_reports

pytestmark = pytest.mark.django_db(transaction=True)

WORKERS = 4


def follow(done, limit):
    """Reads until the workers are done, and once more; fails at once if a retraction comes before what it retracts."""
    facts, cursor = [], None
    try:
        while True:
            over = done.is_set()
            more = True
            while more:
                page = read_after(cursor=cursor, limit=limit, client_ids="all")
                facts, cursor, more = facts + page.facts, page.cursor, page.more
            fold(facts)
            if over:
                return facts
    finally:
        connection.close()


def record(batches):
    try:
        for batch in batches:
            record_reports(batch, now=NOW)
    finally:
        connection.close()


def test_follower_beside_workers_comes_to_believe_what_is_stored():
    run = RunFactory()
    StorageFactory(center=Point(longitude_at(0), LATITUDE), runs=[run])
    DeliveryFactory(center=Point(longitude_at(500), LATITUDE), runs=[run])
    trackers = [AssignmentFactory(run=run).tracker_id for _ in range(6)]
    chance = random.Random(4)
    reports = [
        incoming(tracker_id, NOW + minute * timedelta(minutes=1), east_m=(0, 250, 500)[minute // 4 % 3])
        for tracker_id in trackers
        for minute in range(24)
    ]
    chance.shuffle(reports)
    batches = [[reports[start::40] for start in range(worker, 40, WORKERS)] for worker in range(WORKERS)]
    done = threading.Event()
    with ThreadPoolExecutor(WORKERS + 2) as pool:
        followers = [pool.submit(follow, done, limit) for limit in (2, 500)]
        for worker in [pool.submit(record, own) for own in batches]:
            worker.result(120)
        done.set()
        believed = [fold(follower.result(120)) for follower in followers]
    assert believed[0] == believed[1] == stored()
    assert len({fact[5] for fact in believed[0] if fact[0] == "tracker.status_changed"}) > 1
