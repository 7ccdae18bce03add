"""Pages of the admin that compose several apps, and the admin of apps that are not ours."""

from ops.admin import analytics, locations, orders, runs, third_party

__all__ = ["analytics", "locations", "orders", "runs", "third_party"]
