"""Small, nasty worlds for the law of the timeline, and their stage in the database.

Everything lies on one line, several reports share a moment, fences overlap, begin and end, runs end in between.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from django.contrib.gis.geos import Point, Polygon
from django.db import connection
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from hypothesis import strategies as st

from clients.models import ProductionRun
from locations.models import Location
from tests.factories import make_mac
from tests.trackers.oracle import Fence, Oracle, Policy, Run, Sighting, Stint
from tests.trackers.reports import LATITUDE, incoming, longitude_at
from trackers.models import Assignment, Tracker
from trackers.services import summaries

# A night in which the days, and with them runs, change.
START = datetime(2026, 3, 10, 21, 30, tzinfo=UTC)
STEP = timedelta(minutes=20)
STEPS = 12
DAYS = (date(2026, 3, 10), date(2026, 3, 11))
SPOTS_M = (0, 35, 70, 110, 160, 215, 260, 330, 420, 3000)
CENTRES_M = (0, 100, 250)


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
    runs: tuple[Run, ...]
    locations: tuple[Circle, ...]
    trackers: tuple[tuple[Period, ...], ...]
    arrivals: tuple[tuple[Seen, ...], ...]


def moment(step: int | None) -> datetime | None:
    return None if step is None else START + step * STEP


runs = st.builds(
    Run,
    start_date=st.sampled_from(DAYS[:1] * 4 + DAYS[1:]),
    end_date=st.sampled_from((*DAYS[1:] * 3, date(9999, 12, 31))),
    policy=st.builds(
        Policy,
        confirmations=st.sampled_from((1, 1, 2, 2, 3, 4)),
        max_accuracy_m=st.sampled_from((100, 300)),
        exit_accuracy_cap_m=st.sampled_from((0, 50, 100)),
    ),
) | st.just(Run(DAYS[0], DAYS[0], Policy(confirmations=2)))


@st.composite
def circles(draw, run_count):
    active_from = draw(st.none() | st.none() | st.integers(0, STEPS - 2))
    active_until = draw(st.none() | st.none() | st.integers(1, STEPS))
    if active_from is not None and active_until is not None and active_until <= active_from:
        active_until = None
    return Circle(
        kind=draw(st.sampled_from(Location.Kind.values)),
        centre_m=draw(st.sampled_from(CENTRES_M)),
        radius_m=draw(st.sampled_from((50, 100, 200))),
        area=draw(st.sampled_from((False, False, True))),
        runs=tuple(draw(st.sets(st.integers(0, run_count - 1), min_size=1))),
        active_from=active_from,
        active_until=active_until,
    )


@st.composite
def periods(draw, run_count):
    """Up to three assignments that don't overlap, with gaps or without, the last perhaps open."""
    bounds = sorted(draw(st.sets(st.integers(-1, STEPS), min_size=1, max_size=4)))
    made = []
    for start, end in zip(bounds, [*bounds[1:], None], strict=True):
        last = end is None
        if draw(st.booleans()) or (last and not made):
            made.append(Period(draw(st.integers(0, run_count - 1)), start, end))
    return tuple(made)


@st.composite
def worlds(draw):
    some_runs = tuple(draw(st.lists(runs, min_size=1, max_size=2)))
    trackers = tuple(draw(st.lists(periods(len(some_runs)), min_size=1, max_size=3)))
    seen = draw(
        st.lists(
            st.builds(
                Seen,
                tracker=st.integers(0, len(trackers) - 1),
                step=st.integers(0, STEPS - 1),
                number=st.integers(0, 3),
                spot=st.integers(0, len(SPOTS_M) - 1),
                accuracy_m=st.sampled_from((10.0, 10.0, None, 40.0, 90.0, 150.0, 200.0, 400.0)),
            ),
            max_size=24,
            # The same payload always says the same.
            unique_by=lambda it: (it.tracker, it.step, it.number),
        )
    )
    arriving = draw(st.permutations(seen))
    if seen:
        arriving = arriving + draw(st.lists(st.sampled_from(seen), max_size=4))
    cuts = sorted(draw(st.sets(st.integers(1, max(1, len(arriving) - 1)), max_size=4)))
    return World(
        runs=some_runs,
        locations=tuple(draw(st.lists(circles(len(some_runs)), max_size=4))),
        trackers=trackers,
        arrivals=tuple(tuple(arriving[a:b]) for a, b in zip([0, *cuts], [*cuts, len(arriving)], strict=True)),
    )


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
                confirmations=run.policy.confirmations,
            )
            for number, run in enumerate(world.runs)
        )
        self.locations = Location.objects.bulk_create(_location(circle) for circle in world.locations)
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
        summaries.refresh_trackers([row.pk for row in self.trackers], now=START)
        self.distances = _measure(self.locations)
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
                runs=frozenset(self.runs[run].pk for run in circle.runs),
                active_from=moment(circle.active_from),
                active_until=moment(circle.active_until),
            )
            for row, circle in zip(self.locations, self.world.locations, strict=True)
        ]
        by_id = {row.pk: run for row, run in zip(self.runs, self.world.runs, strict=True)}
        return Oracle(runs=by_id, fences=fences, distances=lambda fence, spot: self.distances[fence, spot])

    def incoming(self, seen):
        return incoming(
            self.trackers[seen.tracker].pk,
            moment(seen.step),
            number=seen.number,
            longitude=longitude_at(SPOTS_M[seen.spot]),
            accuracy_m=seen.accuracy_m,
        )

    def expected(self, number, seen):
        sightings = [
            Sighting(moment(it.step), self.incoming(it).fingerprint, it.spot, it.accuracy_m)
            for it in seen
            if it.tracker == number
        ]
        return self.oracle.tell(self.stints[number], sightings)


def _location(circle):
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


def _measure(locations):
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
            [[longitude_at(m) for m in SPOTS_M], LATITUDE, [row.pk for row in locations]],
        )
        return {(row[0], row[1]): (row[2], row[3]) for row in cursor.fetchall()}


@st.composite
def hesitant_worlds(draw):
    """One tracker between two places under a policy that wants confirmation; each report arrives alone."""
    policy = Policy(confirmations=draw(st.integers(2, 4)))
    seen = draw(
        st.lists(
            st.builds(
                Seen,
                tracker=st.just(0),
                step=st.integers(0, STEPS - 1),
                number=st.integers(0, 2),
                spot=st.sampled_from((0, 0, SPOTS_M.index(260), SPOTS_M.index(260), SPOTS_M.index(3000))),
                accuracy_m=st.sampled_from((10.0, 10.0, 10.0, 400.0)),
            ),
            min_size=4,
            max_size=16,
            unique_by=lambda it: (it.step, it.number),
        )
    )
    storage = Circle("STORAGE", 0, 50, False, (0,), None, None)
    delivery = Circle("DELIVERY", 250, 50, False, (0,), None, None)
    return World(
        runs=(Run(DAYS[0], DAYS[1], policy),),
        locations=(storage, delivery),
        trackers=((Period(0, 0, None),),),
        arrivals=tuple((it,) for it in draw(st.permutations(seen))),
    )
