"""Plans and key pairs that the tests of the gateway and the fleet share."""

import base64
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from keys import advertisement
from simulation.findmy.plan import Plan, parse_plan

STARTED_AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
WHEN_ALL_IS_PUBLISHED = STARTED_AT + timedelta(seconds=41)
AMSTERDAM = [52.379189, 4.899431]
OSNABRUECK = [52.2799, 8.0472]
BERLIN = [52.520008, 13.404954]


def key_pair(number: int) -> advertisement.KeyPair:
    """Return the same usable key pair for the same number."""
    return advertisement.derive_key_pair((number * 7919 + 1).to_bytes(28, "big"))


def tracker(pairs: list[advertisement.KeyPair], **changes: Any) -> dict[str, Any]:
    """Return a planned tracker on its way from Amsterdam to Berlin; changes go into its itinerary."""
    itinerary = {
        "active_from": "2026-02-26T08:00:00Z",
        "origin": AMSTERDAM,
        "destination": BERLIN,
        "departs_at": "2026-02-27T06:00:00Z",
        "stops": [{"position": OSNABRUECK, "stay_s": 2700}],
        "speed_kmh": 75,
    }
    return {
        "mac": pairs[0].mac,
        "advertisement_keys": [base64.b64encode(pair.advertisement_key).decode() for pair in pairs],
        "itinerary": itinerary | changes,
    }


def document(trackers: list[dict[str, Any]], **changes: Any) -> dict[str, Any]:
    """Return a plan as the JSON file holds it."""
    return {"seed": 7, "started_at": STARTED_AT.isoformat(), "trackers": trackers} | changes


def plan(trackers: list[dict[str, Any]], **changes: Any) -> Plan:
    """Return a parsed plan."""
    return parse_plan(document(trackers, **changes), folder=Path())
