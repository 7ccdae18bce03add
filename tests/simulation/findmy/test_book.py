from datetime import timedelta

import pytest

from ingestion.findmy import payload
from keys import advertisement
from simulation.findmy.book import ReportBook
from tests.simulation.findmy import worlds

PAIR = worlds.key_pair(1)
PRIVATE_KEY = advertisement.load_private_key(PAIR.private_key)
HOUR = timedelta(hours=1)


def _book(**changes):
    return ReportBook(worlds.plan([worlds.tracker([PAIR])], **changes))


def _opened(book, now):
    return [payload.decrypt(sealed, PRIVATE_KEY) for sealed in book.latest(PAIR.hashed_key, now)]


def test_nothing_is_known_before_it_is_published():
    book = _book(reports_per_key=10_000)

    assert _opened(book, worlds.STARTED_AT - HOUR) == []
    during = _opened(book, worlds.STARTED_AT + timedelta(seconds=20))
    after = _opened(book, worlds.WHEN_ALL_IS_PUBLISHED)
    assert 0.3 * len(after) < len(during) < 0.7 * len(after)
    assert len(after) > 150


def test_later_reports_are_delayed():
    book = _book(reports_per_key=10_000)
    now = worlds.STARTED_AT + 12 * HOUR

    fresh = [report for report in _opened(book, now) if report.seen_at >= worlds.STARTED_AT]
    later = [report for report in _opened(book, now + 80 * HOUR) if worlds.STARTED_AT <= report.seen_at < now]
    assert 0 < len(set(fresh)) < len(set(later))


def test_only_the_latest_publications_are_kept():
    now = worlds.WHEN_ALL_IS_PUBLISHED + 6 * HOUR
    everything = _book(reports_per_key=10_000).latest(PAIR.hashed_key, now)

    assert _book(reports_per_key=5).latest(PAIR.hashed_key, now) == everything[-5:]


def test_what_is_older_than_the_history_is_gone():
    book = _book(reports_per_key=10_000)
    now = worlds.STARTED_AT + 6 * 24 * HOUR

    assert min(report.seen_at for report in _opened(book, now)) >= now - 7 * 24 * HOUR
    assert min(report.seen_at for report in _opened(book, now)) < worlds.STARTED_AT


def test_repeats_are_exact():
    sealed = _book(reports_per_key=10_000).latest(PAIR.hashed_key, worlds.WHEN_ALL_IS_PUBLISHED)

    assert (len(sealed) - len(set(sealed))) / len(sealed) == pytest.approx(0.14, abs=0.06)


def test_another_gateway_of_the_same_plan_serves_the_same_bytes():
    now = worlds.WHEN_ALL_IS_PUBLISHED

    assert _book().latest(PAIR.hashed_key, now) == _book().latest(PAIR.hashed_key, now)
    assert _book().latest(PAIR.hashed_key, now) != _book(seed=8).latest(PAIR.hashed_key, now)


def test_each_key_of_a_pool_has_its_own_reports():
    pairs = [worlds.key_pair(number) for number in (1, 2, 3)]
    book = ReportBook(worlds.plan([worlds.tracker(pairs)]))

    assert len(book) == 3
    for pair in pairs:
        private_key = advertisement.load_private_key(pair.private_key)
        sealed = book.latest(pair.hashed_key, worlds.WHEN_ALL_IS_PUBLISHED)
        assert sealed
        for one in sealed:
            payload.decrypt(one, private_key)
