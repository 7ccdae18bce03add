"""Outages of sites: many trackers silent at one location are one alert, for its gateway, say, or an account failed."""

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple

from django.conf import settings
from django.db import transaction
from django.db.models import Count, Max, QuerySet

from foundation import bulk
from trackers.models import Alert, Tracker
from trackers.services.alerts import publishing

# Of those at the location this share must be silent.
LEAST_SHARE = 0.6
SITES_AT_ONCE = 500

OUTAGES = """
SELECT
    tracker.location_id,
    (array_agg(alert.began_at ORDER BY alert.began_at))[%(least)s] AS began_at,
    max(alert.began_at) AS latest_at,
    count(*) AS trackers
FROM trackers_alert AS alert
JOIN trackers_tracker AS tracker ON tracker.id = alert.tracker_id
WHERE alert.kind = 'SILENT'
    AND alert.ended_at IS NULL
    AND alert.retracted_at IS NULL
    AND tracker.location_id IS NOT NULL
GROUP BY tracker.location_id
HAVING count(*) >= %(least)s
ORDER BY count(*) DESC, tracker.location_id
LIMIT %(most)s
"""


class SiteOutage(NamedTuple):
    """began_at: when the trackers silent there became many. latest_at: when the last of them was last seen."""

    location_id: int
    began_at: datetime
    latest_at: datetime
    trackers: int


def evaluate_sites(*, now: datetime) -> list[SiteOutage]:
    """Open, move and end the alerts of sites, and let each stand for those of its trackers; one transaction.

    A site has one if at least ALERT_SILENT_PLACE_TRACKERS trackers there are silent, and LEAST_SHARE of those there.
    """
    with transaction.atomic():
        open_ = {
            alert.location_id: alert
            for alert in Alert.objects.open()
            .filter(kind=Alert.Kind.SILENT_PLACE)
            .select_for_update(no_key=True)
            .order_by("pk")
        }
        before = publishing.read(alert.pk for alert in open_.values())
        outages = _outages()
        silent = {outage.location_id for outage in outages}
        _end([alert for location_id, alert in open_.items() if location_id not in silent], now)
        alerts = [_open_or_move(outage, open_.get(outage.location_id), now) for outage in outages]
        for alert, outage in zip(alerts, outages, strict=True):
            _cover(alert, outage)
        after = publishing.read([*before, *(alert.pk for alert in alerts)])
        publishing.publish_changes(before, after, now=now)
    return outages


def _outages() -> list[SiteOutage]:
    parameters = {"least": settings.ALERT_SILENT_PLACE_TRACKERS, "most": SITES_AT_ONCE}
    found = bulk.fetch_rows(OUTAGES, parameters, SiteOutage)
    there = _trackers_at([outage.location_id for outage in found])
    return [outage for outage in found if outage.trackers >= LEAST_SHARE * there.get(outage.location_id, 0)]


def _trackers_at(location_ids: Collection[int]) -> dict[int, int]:
    here = Tracker.objects.filter(location__in=location_ids, state=Tracker.State.ACTIVE).order_by()
    return dict(here.values("location").annotate(number=Count("pk")).values_list("location", "number"))


def _open_or_move(outage: SiteOutage, alert: Alert | None, now: datetime) -> Alert:
    if alert is None:
        return Alert.objects.create(
            kind=Alert.Kind.SILENT_PLACE,
            location_id=outage.location_id,
            began_at=outage.began_at,
            latest_at=outage.latest_at,
            measure=outage.trackers,
            recorded_at=now,
        )
    told = (alert.began_at, alert.latest_at, alert.measure)
    alert.began_at, alert.latest_at, alert.measure = outage.began_at, outage.latest_at, outage.trackers
    if told != (alert.began_at, alert.latest_at, alert.measure):
        alert.save(update_fields=["began_at", "latest_at", "measure"])
    return alert


def _cover(alert: Alert, outage: SiteOutage) -> None:
    """The outage stands for those of the silent trackers there, and for no others that are open."""
    there = Alert.objects.open().filter(kind=Alert.Kind.SILENT, tracker__location=outage.location_id)
    _set_part_of(there.exclude(part_of__isnull=False, part_of=alert), alert)
    elsewhere = Alert.objects.open().filter(part_of=alert).exclude(tracker__location=outage.location_id)
    _set_part_of(elsewhere, None)


def _end(alerts: Collection[Alert], now: datetime) -> None:
    """When a tracker there was last seen; the silent ones that remain stand for themselves again."""
    for alert in alerts:
        seen = Tracker.objects.filter(location=alert.location_id).aggregate(at=Max("last_seen_at"))["at"]
        ended_at = max(alert.latest_at, min(seen or now, now))
        Alert.objects.filter(pk=alert.pk).update(ended_at=ended_at)
        _set_part_of(Alert.objects.open().filter(part_of=alert), None)


def _set_part_of(alerts: QuerySet[Alert], whole: Alert | None) -> None:
    """Locked in the order of their ids, as those do who evaluate trackers."""
    locked = alerts.select_for_update(no_key=True, of=("self",)).order_by("pk")
    Alert.objects.filter(pk__in=list(locked.values_list("pk", flat=True))).update(part_of=whole)
