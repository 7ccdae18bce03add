"""The monthly partitions of facts, by when they were recorded."""

from foundation.partitions import MonthlyPartitions
from outbox.models import Fact

FACTS = MonthlyPartitions(Fact, by="recorded_at")
