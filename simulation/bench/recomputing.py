"""How fast a tracker's history is rebuilt from its reports, in the batches in which a recomputation does it."""

from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.contrib.gis.geos import Point
from django.db import connection
from django.utils import timezone

from clients.models import Brand, Client, ProductionRun
from locations.models import Location
from simulation.bench.measures import peak_rss_mb, timed
from trackers.models import Retraction, Tracker
from trackers.services import assigning, history, recomputation
from trackers.services.history import Cause
from trackers.services.recomputation import Pace

REPORTS = 100_000
GAP = timedelta(minutes=5)
CAUSE = Cause(Retraction.CHECK)

# Between a storage and a delivery location and back in five hours, with an hour at each; the rest on the way.
FILL = """
INSERT INTO trackers_locationreport (
    tracker_id, seen_at, fingerprint, position, accuracy_m, confidence, battery, source, received_at
)
SELECT
    %(tracker_id)s,
    %(since)s::timestamptz + number * %(gap)s::interval,
    decode(md5(number::text), 'hex'),
    ST_SetSRID(ST_MakePoint(
        5 + greatest(0, least(1, abs(number %% 60 - 30) / 18.0 - 0.33)) + 0.0001 * random(),
        52 + 0.0001 * random()
    ), 4326)::geography,
    20 + 200 * random(),
    2,
    'FULL',
    'FIND_MY',
    %(since)s::timestamptz + number * %(gap)s::interval
FROM generate_series(1, %(reports)s) AS number
"""


def measure(*, now: datetime, reports: int = REPORTS) -> dict[str, Any]:
    """Rebuild a tracker's history that is gone, then verify the one that is there; reports a second of each."""
    tracker_id = _seen_tracker(now, reports)
    before_mb = peak_rss_mb()
    recompute = partial(recomputation.recompute_long, tracker_id=tracker_id, cause=CAUSE, now=now)
    rebuilt_s, rebuilt = timed(lambda: recompute(pace=Pace(timezone.now)))
    verified_s, verified = timed(lambda: recompute(pace=Pace(timezone.now)))
    if not rebuilt.written.periods_added or verified.written.tracker_ids:
        raise RuntimeError("The recomputation did not rebuild the history.")
    return {
        "replay_reports_per_s": round(reports / rebuilt_s),
        "replay_verified_reports_per_s": round(reports / verified_s),
        "replay_memory_mb": round(peak_rss_mb() - before_mb, 1),
    }


def _seen_tracker(now: datetime, reports: int) -> int:
    since = now - (reports + 1) * GAP
    brand = Brand.objects.create(client=Client.objects.create(name="Replay"), name="Replay")
    run = ProductionRun.objects.create(
        brand=brand, name="Replay", start_date=since.date(), end_date=now.date()
    )
    for kind, longitude in ((Location.Kind.STORAGE, 5), (Location.Kind.DELIVERY, 6)):
        location = Location.objects.create(
            name=kind.label, kind=kind, center=Point(longitude, 52), radius_m=300, active_from=None
        )
        location.runs.add(run)
    tracker = Tracker.objects.create(mac="02:00:00:00:00:01", state=Tracker.State.ACTIVE)
    assigning.assign(tracker_ids=[tracker.pk], run=run, start=since, now=now)
    with connection.cursor() as cursor:
        values: dict[str, Any] = {"tracker_id": tracker.pk, "since": since, "gap": GAP, "reports": reports}
        cursor.execute(FILL, values)
        cursor.execute("ANALYZE trackers_locationreport")
    history.rebuild_rollups(tracker_ids=[tracker.pk])
    return tracker.pk
