"""Distances on the globe. Pure."""

import math

# The mean radius of the Earth (IUGG).
EARTH_RADIUS_M = 6_371_008.8
# No two points are farther from each other.
FARTHEST_M = math.pi * EARTH_RADIUS_M


def great_circle_m(latitude: float, longitude: float, other_latitude: float, other_longitude: float) -> float:
    """Metres between two points in degrees, by the haversine formula: good to half a per cent."""
    phi, other_phi = math.radians(latitude), math.radians(other_latitude)
    half_up = math.sin((other_phi - phi) / 2) ** 2
    half_along = math.sin(math.radians(other_longitude - longitude) / 2) ** 2
    share = half_up + math.cos(phi) * math.cos(other_phi) * half_along
    return 2 * EARTH_RADIUS_M * math.asin(math.sqrt(min(share, 1.0)))


def at_most_m(latitude: float, longitude: float, other_latitude: float, other_longitude: float) -> float:
    """Metres that the great circle between two points in degrees does not exceed: along the meridian, then along the
    equator, which is the longest way. Much cheaper than the distance."""
    return math.radians(abs(latitude - other_latitude) + abs(longitude - other_longitude)) * EARTH_RADIUS_M
