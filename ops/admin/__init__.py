"""Pages of the admin that compose several apps, and the admin of apps that are not ours."""

from ops.admin import clients, locations, orders, runs, third_party, trackers

__all__ = ["clients", "locations", "orders", "runs", "third_party", "trackers"]
