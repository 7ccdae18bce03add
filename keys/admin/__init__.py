"""The admin of keys: batches, exports, key pairs and manufacturers."""

import keys.milestones  # noqa: F401 (adds the key batch to the trackers' lifecycle)
from keys.admin import batches, exports, imports, manufacturers, pairs

__all__ = ["batches", "exports", "imports", "manufacturers", "pairs"]
