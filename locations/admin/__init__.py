"""The admin of locations."""

from locations.admin import locations

__all__ = ["locations"]
