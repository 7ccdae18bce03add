"""The reader as tests use it, beside other tests that run in databases of the same server."""

import time
from itertools import pairwise

from outbox import selectors
from outbox.selectors import Page


def read_after(**options) -> Page:
    """What two readings in a row say. A transaction of another database that ends at the very moment at which the mark
    is taken can't be told from one of this database, and holds back the facts for that moment."""
    pages = [selectors.read_after(**options)]
    while not any(earlier == later for earlier, later in pairwise(pages[-2:])):
        time.sleep(0.02)
        pages.append(selectors.read_after(**options))
    return pages[-1]
