"""Which radius suits a location, told by the reports around it. Pure.

A fence should hold the reports of trackers that stand at the place, with their errors, and leave out those of trackers
that pass by. Standing shows in time: reports of one tracker that lie close together for a while. So the reports are
taken in groups, those of visits are told from those of passing by, and a radius is chosen by the visits.
"""

import math
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple

# A group of this many reports over this long is a visit; everything else is passing by.
VISIT_REPORTS = 3
VISIT_LASTS = timedelta(hours=1)
# Reports further apart in time belong to different groups.
GAP = timedelta(hours=12)
# This share of the reports of visits is to be inside; the rest are outliers, whose accuracy lied.
SHARE_INSIDE = 0.95
LEAST_M, MOST_M = 50, 2_000
STEP_M = 10
# Visits further apart than this, and than their accuracy and their distance explain, are at different places.
SITE_GAP_M = 150
# Fewer visits than this say too little.
LEAST_VISITS = 3
RADII_M = (50, 75, 100, 150, 200, 250, 300, 400, 500, 750, 1_000, 1_500, 2_000)


class Near(NamedTuple):
    """A usable report near a location: metres from the centre, and its accuracy in metres (0 if unknown)."""

    tracker_id: int
    seen_at: datetime
    distance_m: float
    accuracy_m: float


class Visit(NamedTuple):
    """A visit to the location, half-open."""

    assignment_id: int
    begin: datetime
    end: datetime


class Suggestion(NamedTuple):
    """radius_m is None where the reports say too little. visits, passers: groups of either kind within reach_m;
    reports: how many the visits have. reason: in words, why this radius or none."""

    radius_m: int | None
    reach_m: float
    visits: int
    passers: int
    reports: int
    reason: str


def suggest_radius(reports: Iterable[Near]) -> Suggestion:
    """The radius that holds SHARE_INSIDE of the reports of the visits to the location.

    reports: of all trackers within MOST_M of the centre, in any order. Visits to another place within MOST_M are told
    apart by the widest gap between the distances.
    """
    groups = _groups(reports)
    visits = sorted(filter(None, map(_visit_in, groups)), key=_middle_m)
    here = _nearest_cluster(visits)
    passers = len(groups) - len(visits)
    if len(here) < LEAST_VISITS:
        return Suggestion(
            None,
            MOST_M,
            len(here),
            passers,
            sum(map(len, here)),
            f"Visits near it: {len(here)}. At least {LEAST_VISITS} are needed.",
        )
    distances = sorted(report.distance_m for visit in here for report in visit)
    needed = _quantile(distances, SHARE_INSIDE)
    radius_m = int(min(max(math.ceil(needed / STEP_M) * STEP_M, LEAST_M), MOST_M))
    reach_m = _middle_m(here[-1])
    reason = f"Holds {SHARE_INSIDE:.0%} of the {len(distances):,} reports of {len(here):,} visits here."
    return Suggestion(radius_m, reach_m, len(here), passers, len(distances), reason)


def radii_to_compare(current_m: float, suggested_m: int | None) -> list[int]:
    """The radii worth comparing, in order: some around the current one and the suggested one, and these two."""
    wanted = {round(current_m)} | ({suggested_m} if suggested_m else set())
    low, high = min(wanted) / 3, max(wanted) * 3
    return sorted(wanted | {radius_m for radius_m in RADII_M if low <= radius_m <= high})


def compare_visits(current: Sequence[Visit], other: Sequence[Visit]) -> tuple[int, int]:
    """How many visits of `other` meet none of `current` (gained), and how many of `current` none of `other` (lost)."""
    return _alone(other, current), _alone(current, other)


def _alone(visits: Sequence[Visit], among: Sequence[Visit]) -> int:
    by_owner: dict[int, list[Visit]] = {}
    for visit in among:
        by_owner.setdefault(visit.assignment_id, []).append(visit)
    return sum(
        not any(visit.begin < it.end and it.begin < visit.end for it in by_owner.get(visit.assignment_id, ()))
        for visit in visits
    )


def _groups(reports: Iterable[Near]) -> list[list[Near]]:
    """Each tracker's reports without a long pause between them."""
    groups: list[list[Near]] = []
    ordered = sorted(reports, key=attrgetter("tracker_id", "seen_at"))
    for _, own in groupby(ordered, key=attrgetter("tracker_id")):
        group: list[Near] = []
        for report in own:
            if group and report.seen_at - group[-1].seen_at > GAP:
                groups.append(group)
                group = []
            group.append(report)
        groups.append(group)
    return groups


def _visit_in(group: Sequence[Near]) -> list[Near]:
    """The reports of a group that agree on a distance but for their accuracies, if they last long enough: not those of
    coming and going."""
    middle_m = _middle_m(group)
    agreeing = [
        report for report in group if abs(report.distance_m - middle_m) <= max(2 * report.accuracy_m, LEAST_M)
    ]
    lasts = len(agreeing) >= VISIT_REPORTS and agreeing[-1].seen_at - agreeing[0].seen_at >= VISIT_LASTS
    return agreeing if lasts and 2 * len(agreeing) > len(group) else []


def _nearest_cluster(visits: Sequence[list[Near]]) -> Sequence[list[Near]]:
    """The visits nearest to the centre, up to a gap that their accuracy can't explain."""
    for number in range(1, len(visits)):
        inner, outer = _middle_m(visits[number - 1]), _middle_m(visits[number])
        blur_m = max(report.accuracy_m for report in visits[number])
        if outer - inner > max(2 * blur_m, SITE_GAP_M, inner):
            return visits[:number]
    return visits


def _middle_m(reports: Sequence[Near]) -> float:
    return _quantile(sorted(report.distance_m for report in reports), 0.5)


def _quantile(ordered: Sequence[float], share: float) -> float:
    """The least value that at least this share of the values does not exceed."""
    return ordered[math.ceil(share * len(ordered)) - 1]
