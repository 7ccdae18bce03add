"""Publishing facts, and letting old ones go: `from outbox import services`, then `services.publish(...)`."""

from outbox.services.publishing import NoTransactionError, publish, publish_all
from outbox.services.retention import drop_old_facts

__all__ = ["NoTransactionError", "drop_old_facts", "publish", "publish_all"]
