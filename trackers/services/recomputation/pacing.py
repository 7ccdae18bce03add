"""How much of a replay one transaction takes: what is done in PIECE_S, judged by the piece before.

Whoever records live reports of the same trackers waits for a piece at most. Behind each there is a pause, in which
those who wait come first: PostgreSQL gives a row's lock to whoever asks next, and that would mostly be the replay.
"""

import time
from datetime import datetime

from foundation.deadlines import Clock

# A fifth of the second that live reports may wait, since the next piece can meet a machine that is much busier.
PIECE_S = 0.2
PAUSE_S = 0.005
# Reports in a piece: at first, at least and at most.
FIRST, LEAST, MOST = 500, 250, 8_000


class Pace:
    """`reports` is how many the next piece may hold: at most twice as many as the last one held.

    clock: what the pieces are measured by.
    """

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.reports = FIRST

    def rest(self, *, played: int, began_at: datetime) -> None:
        """Say after its commit when a piece of so many reports began."""
        took_s = (self.clock() - began_at).total_seconds()
        in_time = int(played * PIECE_S / max(took_s, PIECE_S / 2))
        self.reports = min(max(in_time, LEAST), MOST)
        time.sleep(PAUSE_S)
