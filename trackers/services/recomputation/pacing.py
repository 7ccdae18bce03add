"""How much of a recomputation one transaction takes: what is done in BATCH_S, going by the batch before.

Whoever records live reports of the same trackers waits for a batch at most. After each there is a pause, in which
those who wait come first: PostgreSQL gives a row's lock to whoever asks next, and that would mostly be the
recomputation.
"""

import time
from datetime import datetime

from foundation.deadlines import Clock

# A fifth of the second that live reports may wait, since the next batch can meet a machine that is much busier.
BATCH_S = 0.2
PAUSE_S = 0.005
# Reports in a batch: at first, at least and at most.
FIRST, LEAST, MOST = 500, 250, 8_000


class Pace:
    """`reports` is how many the next batch may hold: at most twice as many as the last one held.

    clock: what the batches are measured by.
    """

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.reports = FIRST

    def pause(self, *, reports: int, began_at: datetime) -> None:
        """Pause after a batch of this many reports, which began then and is committed."""
        took_s = (self.clock() - began_at).total_seconds()
        in_time = int(reports * BATCH_S / max(took_s, BATCH_S / 2))
        self.reports = min(max(in_time, LEAST), MOST)
        time.sleep(PAUSE_S)
