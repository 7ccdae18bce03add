"""The admin of clients and people, and (`base`, `display`) what the admins of all apps share."""

from clients.admin import clients, users

__all__ = ["clients", "users"]
