"""Which table of trackers is partitioned: reports, by the month in which the tracker was seen."""

from foundation.partitions import MonthlyPartitions
from trackers.models import LocationReport

REPORTS = MonthlyPartitions(LocationReport, by="seen_at")
