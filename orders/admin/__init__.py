"""The admin of orders and allocations, and what orders add to the trackers' pages."""

from orders.admin import allocations, devices, milestones, orders

__all__ = ["allocations", "devices", "milestones", "orders"]
