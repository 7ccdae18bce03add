"""The admin of clients and people."""

from clients.admin import clients, users

__all__ = ["clients", "users"]
