"""A world to replay, changes of it, and the command that replays it."""

import copy
import io
import json
import tempfile
from pathlib import Path

from django.apps import apps
from django.core.management import call_command

MAC = "C0:00:00:00:00:01"
OTHER_MAC = "C0:00:00:00:00:02"
DEPOT = {"lat": 52.0, "lon": 5.0}
ROAD = {"lat": 52.2, "lon": 5.2}
SHOP = {"lat": 52.4, "lon": 5.4}
SQUARE = [[5.19, 52.19], [5.21, 52.19], [5.21, 52.21], [5.19, 52.21], [5.19, 52.19]]


def seen(hour, place, mac=MAC, **others):
    return {"mac": mac, "seen_at": f"2026-03-10T{hour:02}:00:00Z", **place, **others}


WORLD = {
    "runs": [
        {
            "name": "Spring",
            "start_date": "2026-03-01",
            "end_date": "2026-03-31",
            "policy": {"max_accuracy_m": 300, "exit_accuracy_cap_m": 100, "confirmations": 1},
        }
    ],
    "locations": [
        {"name": "Depot", "kind": "storage", **DEPOT, "radius_m": 150, "runs": ["Spring"]},
        {
            "name": "Shop",
            "kind": "delivery",
            **SHOP,
            "radius_m": 100.5,
            "runs": ["Spring"],
            "active_from": "2026-03-01T00:00:00+01:00",
        },
    ],
    "trackers": [
        {
            "mac": MAC,
            "run": "Spring",
            "from": "2026-03-01T00:00:00Z",
            "to": "2026-03-20T00:00:00Z",
        },
        {"mac": OTHER_MAC, "run": "Spring", "from": "2026-03-01"},
    ],
    "reports": [
        seen(8, DEPOT, accuracy_m=12, confidence=3),
        seen(9, DEPOT, accuracy_m=1500),
        seen(10, ROAD),
        seen(11, ROAD, accuracy_m=35.5),
        seen(12, SHOP),
        seen(12, SHOP),
        seen(12, ROAD, mac=OTHER_MAC),
    ],
}


def replay(world, *options):
    """Run the command on a world, or on the bytes of a file; returns (exit code, stdout, stderr)."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "WORLD.json"
        path.write_bytes(world if isinstance(world, bytes) else json.dumps(world).encode())
        return replay_file(path, *options)


def replay_file(path, *options):
    out, err, code = io.StringIO(), io.StringIO(), 0
    try:
        call_command("replay", str(path), *options, stdout=out, stderr=err)
    except SystemExit as stopped:
        code = stopped.code
    return code, out.getvalue(), err.getvalue()


def changed(path, value):
    """WORLD with another value at a path such as `reports/0/lat`; `...` removes what is there."""
    world = copy.deepcopy(WORLD)
    *parents, last = [int(key) if key.isdigit() else key for key in path.split("/")]
    at = world
    for key in parents:
        at = at[key]
    if value is ...:
        del at[last]
    else:
        at[last] = value
    return world


def rows():
    """How many rows there are, of every model."""
    return {model: model._default_manager.count() for model in apps.get_models() if model._meta.managed}
