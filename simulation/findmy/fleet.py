"""What passing phones see of a planned fleet. Pure and repeatable: the seed decides every draw.

A tracker is seen at irregular gaps; a report lies off the truth by noise that fits its accuracy, and is
published with the delays that were measured on the real network.
"""

import math
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random

from ingestion.findmy import protocol
from ingestion.findmy.payload import DecryptedReport
from simulation.findmy.plan import Plan, PlannedTracker
from simulation.findmy.tracks import Point, offset

KEY_ROTATION_S = 1_800
_GAP_SPREAD = 0.9
_GAP_LIMITS_S = (30.0, 6 * 3_600.0)
_ACCURACY_MEDIAN_M = 45.0
_ACCURACY_SPREAD = 0.7
_ACCURACY_LIMITS_M = (10, 255)
_CIRCLE_SHARE = 0.68
_RADIUS_IN_SIGMAS = math.sqrt(-2 * math.log(1 - _CIRCLE_SHARE))
_REPEAT_RATE = protocol.DUPLICATE_SHARE / (1 - protocol.DUPLICATE_SHARE)


@dataclass(frozen=True, slots=True)
class PhoneReport:
    """One report of one phone. number: counts a tracker's reports from 0. truth: where it really was.

    key_index: which of the tracker's keys was on the air. copies: how often the network holds the report.
    """

    number: int
    report: DecryptedReport
    truth: Point
    key_index: int
    published_at: datetime
    copies: int


def phone_reports(plan: Plan, tracker: PlannedTracker) -> Iterator[PhoneReport]:
    """Yield a tracker's reports by seen_at: without end for an itinerary, to its last row for a replay."""
    # Not for secrets: the point is that a seed gives the same fleet again.
    draw = Random(f"{plan.seed}:{tracker.mac}")  # noqa: S311
    number = 0
    fix = tracker.track.next_fix(tracker.track.begins_s + draw.uniform(0, plan.median_gap_s))
    while fix is not None:
        seen_s = math.floor(fix.at_s)
        report = _observe(draw, tracker, seen_s, fix.point)
        yield PhoneReport(
            number=number,
            report=report,
            truth=fix.point,
            key_index=seen_s // KEY_ROTATION_S % len(tracker.advertisement_keys),
            published_at=_publish(draw, plan, report.seen_at),
            copies=2 if draw.random() < _REPEAT_RATE else 1,
        )
        number += 1
        fix = tracker.track.next_fix(fix.at_s + _gap_s(draw, plan.median_gap_s))


def publish_delay_s(share: float) -> float:
    """Return the delay in seconds that this share, 0 to 1, of the reports stays below.

    Log-linear between the measured quantiles.
    """
    quantiles = protocol.PUBLISH_DELAY_QUANTILES_S
    index = min(bisect_right(quantiles, share, key=lambda pair: pair[0]), len(quantiles) - 1)
    (low, low_s), (high, high_s) = quantiles[index - 1], quantiles[index]
    return low_s * math.pow(high_s / low_s, (share - low) / (high - low))


def _observe(draw: Random, tracker: PlannedTracker, seen_s: int, truth: Point) -> DecryptedReport:
    drawn_m = _ACCURACY_MEDIAN_M * math.exp(draw.gauss(0, _ACCURACY_SPREAD))
    accuracy_m = round(min(max(drawn_m, _ACCURACY_LIMITS_M[0]), _ACCURACY_LIMITS_M[1]))
    sigma_m = accuracy_m / _RADIUS_IN_SIGMAS
    latitude, longitude = offset(truth, draw.gauss(0, sigma_m), draw.gauss(0, sigma_m))
    return DecryptedReport(
        seen_at=datetime.fromtimestamp(seen_s, UTC),
        latitude=round(latitude, 7),
        longitude=round(longitude, 7),
        accuracy_m=accuracy_m,
        status=_status(tracker.battery),
        confidence=next(
            confidence for most_m, confidence in protocol.CONFIDENCE_BY_ACCURACY_M if accuracy_m <= most_m
        ),
    )


def _publish(draw: Random, plan: Plan, seen_at: datetime) -> datetime:
    share = draw.random()
    if seen_at < plan.started_at:
        return plan.started_at + timedelta(seconds=share * plan.backlog_spread_s)
    return seen_at + timedelta(seconds=publish_delay_s(share) * plan.delay_scale)


def _gap_s(draw: Random, median_s: float) -> float:
    drawn_s = median_s * math.exp(draw.gauss(0, _GAP_SPREAD))
    return min(max(drawn_s, _GAP_LIMITS_S[0]), _GAP_LIMITS_S[1])


def _status(battery: protocol.Battery | None) -> int:
    if battery is None:
        return 0
    return protocol.BATTERY_REPORTED | protocol.BATTERY_LEVELS.index(battery) << protocol.BATTERY_SHIFT
