"""The admin of keys: batches, exports, key pairs and manufacturers."""

from keys.admin import batches, exports, imports, manufacturers, pairs

__all__ = ["batches", "exports", "imports", "manufacturers", "pairs"]
