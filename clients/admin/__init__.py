"""The admin of clients and people."""

from clients.admin import clients, runs, users

__all__ = ["clients", "runs", "users"]
