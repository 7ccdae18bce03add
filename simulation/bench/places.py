"""How fast points find the nearest place."""

from datetime import datetime
from random import Random

from locations import places
from locations.models import Place
from locations.services import gazetteer
from simulation.bench.measures import timed

POINTS = 10_000
SCATTER_DEG = 0.2
SEED = 7


def ensure_gazetteer(now: datetime) -> None:
    if not gazetteer.is_loaded():
        gazetteer.load(now=now)


def measure(*, now: datetime) -> dict[str, float]:
    """Points around places that are drawn from the whole gazetteer, in one batch."""
    ensure_gazetteer(now)
    draw = Random(SEED)  # noqa: S311 (not for secrets)
    towns = [(at.x, at.y) for at in Place.objects.order_by("pk").values_list("position", flat=True)]
    points = [
        (x + draw.gauss(0, SCATTER_DEG), max(-90.0, min(90.0, y + draw.gauss(0, SCATTER_DEG))))
        for x, y in draw.sample(towns, POINTS)
    ]
    seconds, _ = timed(lambda: places.nearest([((x + 180) % 360 - 180, y) for x, y in points]))
    return {"nearest_place_per_s": round(POINTS / seconds)}
