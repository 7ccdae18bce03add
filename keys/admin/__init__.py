"""The admin of keys: batches, exports, key pairs and manufacturers."""

from keys.admin import batches, exports, manufacturers, pairs

__all__ = ["batches", "exports", "manufacturers", "pairs"]
