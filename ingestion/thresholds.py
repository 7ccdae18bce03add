"""From when on what Glimpse does itself is too slow. Each threshold stands here once."""

from datetime import timedelta

# Beat and the workers show themselves every 5 seconds.
MAX_BEAT_AGE = timedelta(seconds=60)
