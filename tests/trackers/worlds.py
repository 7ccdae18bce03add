"""Small, nasty worlds for the law of the timeline, and their stage in the database.

Everything lies on one line, several reports share a moment, fences overlap, begin and end, runs end in between.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from math import asin, cos, radians, sin
from random import Random

from django.contrib.gis.geos import Point, Polygon
from django.db import connection
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from hypothesis import strategies as st

from clients.models import ProductionRun
from locations.models import Location
from tests.factories import make_mac
from tests.trackers.oracle import Fence, Oracle, Policy, Run, Sighting, Stint
from tests.trackers.reports import LATITUDE, LONGITUDE, METRES_PER_DEGREE, incoming, longitude_at
from trackers.models import Assignment, Tracker
from trackers.services import history

# A night in which the days, and with them runs, change.
START = datetime(2026, 3, 10, 21, 30, tzinfo=UTC)
STEP = timedelta(minutes=10)
STEPS = 24
DAYS = (date(2026, 3, 10), date(2026, 3, 11))
ACCURACIES_M = (10.0, 10.0, 40.0, None, 0.0, 90.0, 150.0, 200.0, 400.0)
SPOTS_M = (0, 35, 70, 110, 160, 215, 260, 330, 420, 3000, 40_000)
# By their number in SPOTS_M; centres and nowhere more often than edges.
SPOTS = (*range(len(SPOTS_M)), 0, 0, 0, 3, 3, 6, 6, 6, 9, 9)
CENTRES_M = (0, 100, 250)
# Where the line begins; the second one crosses the date line 120 m further on.
ORIGINS = (LONGITUDE, LONGITUDE, 180 - 120 / METRES_PER_DEGREE)


@dataclass(frozen=True)
class Circle:
    """A location to be made: metres east of the origin; an area is a square of that half width."""

    kind: str
    centre_m: int
    radius_m: int
    area: bool
    runs: tuple[int, ...]
    active_from: int | None
    active_until: int | None


@dataclass(frozen=True)
class Period:
    run: int
    start: int
    end: int | None


@dataclass(frozen=True)
class Seen:
    tracker: int
    step: int
    number: int
    spot: int
    accuracy_m: float | None


@dataclass(frozen=True)
class World:
    origin: float
    runs: tuple[Run, ...]
    locations: tuple[Circle, ...]
    trackers: tuple[tuple[Period, ...], ...]
    arrivals: tuple[tuple[Seen, ...], ...]


def moment(step: int | None) -> datetime | None:
    return None if step is None else START + step * STEP


def _run(chance: Random) -> Run:
    both, first, second = DAYS, (DAYS[0], DAYS[0]), (DAYS[1], date(9999, 12, 31))
    start_date, end_date = chance.choice((both, both, both, first, second))
    return Run(
        start_date=start_date,
        end_date=end_date,
        policy=Policy(
            confirmations=chance.choice((1, 1, 1, 2, 2, 3, 4)),
            max_accuracy_m=chance.choice((300, 300, 100)),
            exit_accuracy_cap_m=chance.choice((100, 50, 0)),
            entry_accuracy_factor=chance.choice((3, 3, 1, 2, 100)),
            max_speed_kmh=chance.choice((1000, 1000, 200, 15, 10)),
        ),
    )


def _circle(chance: Random, run_count: int) -> Circle:
    active_from = chance.choice((None, None, None, chance.randrange(STEPS // 2)))
    active_until = chance.choice((None, None, None, chance.randrange(STEPS // 2, STEPS)))
    return Circle(
        kind=chance.choice(Location.Kind.values),
        centre_m=chance.choice(CENTRES_M),
        radius_m=chance.choice((50, 100, 200)),
        area=chance.random() < 0.3,
        runs=tuple(chance.sample(range(run_count), chance.choice((1, run_count, run_count)))),
        active_from=active_from,
        active_until=active_until,
    )


def _periods(chance: Random, run_count: int) -> tuple[Period, ...]:
    """Up to four assignments that don't overlap, mostly without gaps, the last one mostly open."""
    bounds = [-1, *sorted(chance.sample(range(1, STEPS + 1), chance.choice((0, 0, 1, 2, 3))))]
    made = [
        Period(chance.randrange(run_count), start, end)
        for start, end in zip(bounds, [*bounds[1:], None], strict=True)
        if chance.random() < 0.85
    ]
    return tuple(made) or (Period(0, -1, None),)


def _visits(
    chance: Random,
    tracker: int,
    count: int,
    *,
    spots: Sequence[int] = SPOTS,
    accuracies: Sequence[float | None] = ACCURACIES_M,
    lengths: Sequence[int] = (1, 1, 2, 3, 4),
) -> list[Seen]:
    """What one tracker reports while it goes from place to place; some reports share a moment."""
    seen: list[Seen] = []
    step = chance.randrange(3)
    for _ in range(count):
        spot = chance.choice(spots)
        for _ in range(chance.choice(lengths)):
            if step < STEPS:
                seen.append(Seen(tracker, step, len(seen), spot, chance.choice(accuracies)))
            step += chance.choice((1, 1, 1, 1, 2, 0))
    return seen


def _arrivals(chance: Random, seen: list[Seen], batches: int) -> tuple[tuple[Seen, ...], ...]:
    """Reports in order, in order but for some late ones, or in any order; some come twice; in batches."""
    manner = chance.choice(("late", "any", "order"))
    arriving = sorted(seen, key=lambda it: it.step)
    if manner == "any":
        chance.shuffle(arriving)
    elif manner == "late":
        late = chance.sample(arriving, min(3, len(arriving)))
        arriving = [it for it in arriving if it not in late] + late
    if arriving:
        arriving += chance.choices(arriving, k=chance.randrange(3))
    inner = range(1, max(len(arriving), 1))
    cuts = sorted(chance.sample(inner, min(batches - 1, len(inner))))
    return tuple(tuple(arriving[a:b]) for a, b in zip([0, *cuts], [*cuts, len(arriving)], strict=True))


def make_world(chance: Random) -> World:
    run_count = chance.choice((1, 2))
    trackers = range(chance.choice((1, 1, 2, 3)))
    seen = [it for number in trackers for it in _visits(chance, number, chance.choice((1, 3, 4, 5, 6)))]
    return World(
        origin=chance.choice(ORIGINS),
        runs=tuple(_run(chance) for _ in range(run_count)),
        locations=tuple(_circle(chance, run_count) for _ in range(chance.choice((1, 2, 3, 4)))),
        trackers=tuple(_periods(chance, run_count) for _ in trackers),
        arrivals=_arrivals(chance, seen, chance.choice((1, 2, 3, 4, 5))),
    )


def make_hesitant_world(chance: Random) -> World:
    """One tracker between two places under a policy that wants confirmation; each report arrives alone."""
    there, on_the_way, here = 0, SPOTS_M.index(3000), SPOTS_M.index(260)
    seen = _visits(
        chance,
        0,
        chance.choice((3, 4, 5)),
        spots=(there, here, there, here, on_the_way),
        accuracies=(10.0,) * 9 + (400.0,),
        lengths=range(1, 8),
    )
    policy = Policy(confirmations=chance.choice((2, 3, 4)), max_speed_kmh=chance.choice((1000, 100, 10)))
    return World(
        origin=chance.choice(ORIGINS),
        runs=(Run(DAYS[0], DAYS[1], policy),),
        locations=(
            Circle("STORAGE", 0, 50, False, (0,), None, None),
            Circle("DELIVERY", 250, 50, False, (0,), None, None),
        ),
        trackers=((Period(0, -1, None),),),
        arrivals=tuple((it,) for batch in _arrivals(chance, seen, 1) for it in batch),
    )


# Hypothesis draws the seed only. Drawn one by one, values repeat each other and stay small so much that hardly a
# tracker gets anywhere; seeds are told apart, so that each example is another world.
seeds = st.integers(0, 2**32)
worlds = seeds.map(Random).map(make_world)
hesitant_worlds = seeds.map(Random).map(make_hesitant_world)


class Stage:
    """A world in the database, and the oracle that knows it by the database's ids."""

    def __init__(self, world, brand):
        self.world = world
        self.runs = ProductionRun.objects.bulk_create(
            ProductionRun(
                brand=brand,
                name=f"Run {number}",
                start_date=run.start_date,
                end_date=run.end_date,
                max_accuracy_m=run.policy.max_accuracy_m,
                exit_accuracy_cap_m=run.policy.exit_accuracy_cap_m,
                entry_accuracy_factor=run.policy.entry_accuracy_factor,
                max_speed_kmh=run.policy.max_speed_kmh,
                confirmations=run.policy.confirmations,
            )
            for number, run in enumerate(world.runs)
        )
        self.locations = Location.objects.bulk_create(
            _location(circle, self.longitude_at) for circle in world.locations
        )
        Location.runs.through.objects.bulk_create(
            Location.runs.through(location_id=row.pk, productionrun_id=self.runs[run].pk)
            for row, circle in zip(self.locations, world.locations, strict=True)
            for run in circle.runs
        )
        self.trackers = Tracker.objects.bulk_create(
            Tracker(mac=make_mac(0xAA0000 + number), state=Tracker.State.ACTIVE)
            for number in range(len(world.trackers))
        )
        self.stints = [self._assign(number) for number in range(len(world.trackers))]
        history.refresh_trackers([row.pk for row in self.trackers], now=START)
        longitudes = [self.longitude_at(m) for m in SPOTS_M]
        self.distances = _measure(self.locations, longitudes)
        self.sizes = _sizes(self.locations)
        self.oracle = self._oracle()

    def _assign(self, number):
        periods = self.world.trackers[number]
        rows = Assignment.objects.bulk_create(
            Assignment(
                tracker=self.trackers[number],
                run=self.runs[it.run],
                period=DateTimeTZRange(moment(it.start), moment(it.end), "[)"),
            )
            for it in periods
        )
        return [
            Stint(row.pk, self.runs[it.run].pk, moment(it.start), moment(it.end))
            for row, it in zip(rows, periods, strict=True)
        ]

    def _oracle(self):
        fences = [
            Fence(
                id=row.pk,
                kind=circle.kind,
                radius_m=0 if circle.area else circle.radius_m,
                size_m=self.sizes[row.pk],
                runs=frozenset(self.runs[run].pk for run in circle.runs),
                active_from=moment(circle.active_from),
                active_until=moment(circle.active_until),
            )
            for row, circle in zip(self.locations, self.world.locations, strict=True)
        ]
        by_id = {row.pk: run for row, run in zip(self.runs, self.world.runs, strict=True)}
        return Oracle(
            runs=by_id,
            fences=fences,
            distances=lambda fence, spot: self.distances[fence, spot],
            between=lambda one, other: _apart(SPOTS_M[one], SPOTS_M[other]),
        )

    def longitude_at(self, east_m):
        """On the line of this world, which may cross the date line."""
        longitude = longitude_at(east_m) - LONGITUDE + self.world.origin
        return longitude if longitude <= 180 else longitude - 360

    def incoming(self, seen):
        return incoming(
            self.trackers[seen.tracker].pk,
            moment(seen.step),
            number=seen.number,
            longitude=self.longitude_at(SPOTS_M[seen.spot]),
            accuracy_m=seen.accuracy_m,
        )

    def expected(self, number, seen):
        sightings = [
            Sighting(moment(it.step), self.incoming(it).fingerprint, it.spot, it.accuracy_m)
            for it in seen
            if it.tracker == number
        ]
        return self.oracle.tell(self.stints[number], sightings)


def _apart(one_m, other_m):
    """Metres on the sphere between two points of the line, by the chord between them."""
    degrees = abs(one_m - other_m) / METRES_PER_DEGREE
    chord = 2 * cos(radians(LATITUDE)) * sin(radians(degrees) / 2)
    return 2 * 6_371_008.8 * asin(chord / 2)


def _location(circle, longitude_at):
    half_m = circle.radius_m * 0.9
    west, east = longitude_at(circle.centre_m - half_m), longitude_at(circle.centre_m + half_m)
    square = Polygon.from_bbox((west, LATITUDE - 0.001, east, LATITUDE + 0.001))
    return Location(
        name="Somewhere",
        kind=circle.kind,
        center=Point(longitude_at(circle.centre_m), LATITUDE),
        radius_m=circle.radius_m,
        area=square if circle.area else None,
        active_from=moment(circle.active_from),
        active_until=moment(circle.active_until),
    )


def _sizes(locations):
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, CASE WHEN area IS NULL THEN radius_m ELSE sqrt(ST_Area(area) / pi()) END"
            " FROM locations_location WHERE id = ANY(%s)",
            [[row.pk for row in locations]],
        )
        return dict(cursor.fetchall())


def _measure(locations, longitudes):
    """What PostGIS measures from every location to every spot, one pair at a time and without an index."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT location.id, spot.number - 1,
                   ST_Distance(coalesce(location.area, location.center), at), ST_Distance(location.center, at)
            FROM locations_location AS location,
                 unnest(%s::float8[]) WITH ORDINALITY AS spot (longitude, number),
                 LATERAL (SELECT ST_Point(spot.longitude, %s)::geography AS at) AS point
            WHERE location.id = ANY(%s)
            """,
            [longitudes, LATITUDE, [row.pk for row in locations]],
        )
        return {(row[0], row[1]): (row[2], row[3]) for row in cursor.fetchall()}
