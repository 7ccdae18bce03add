"""The admin of orders and allocations, and the steps by which orders move single devices."""

from orders.admin import allocations, devices, orders

__all__ = ["allocations", "devices", "orders"]
