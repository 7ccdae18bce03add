"""Old counts and rejected payloads go; the rest stays."""

from datetime import UTC, date, datetime, timedelta

import pytest

from ingestion.models import AccountTally, FetchTally
from ingestion.services import tidying
from tests.factories import RejectedReportFactory, TrackerFactory
from trackers.models import RejectedReport
from trackers.services.reports import rejections

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 3, 10, tzinfo=UTC)


@pytest.fixture
def rows(settings):
    settings.REJECTED_RETENTION_DAYS, settings.TALLY_RETENTION_DAYS = 90, 400
    for days in (89, 91):
        RejectedReportFactory(last_received_at=NOW - timedelta(days=days))
    for days in (400, 401):
        day = date(2026, 3, 10) - timedelta(days=days)
        AccountTally.objects.create(account="first", day=day)
        FetchTally.objects.create(
            tracker=TrackerFactory(), day=day, attempts=1, failures=0, empty_fetches=0, reports=0
        )


def left():
    return RejectedReport.objects.count(), FetchTally.objects.count(), AccountTally.objects.count()


def test_rows_older_than_the_settings_say_go(rows):
    assert tidying.delete_old(clock=lambda: NOW, time_budget_s=60) == {"tallies": 2, "rejected": 1}
    assert left() == (1, 1, 1)
    assert tidying.delete_old(clock=lambda: NOW, time_budget_s=60) == {"tallies": 0, "rejected": 0}


def test_zero_days_keep_everything(rows, settings):
    settings.REJECTED_RETENTION_DAYS = settings.TALLY_RETENTION_DAYS = 0
    tidying.delete_old(clock=lambda: NOW, time_budget_s=60)
    assert left() == (2, 2, 2)


def test_large_numbers_go_batch_by_batch(rows, monkeypatch):
    monkeypatch.setattr(rejections, "ROWS_PER_DELETION", 1)
    monkeypatch.setattr(tidying, "TRACKERS_PER_DELETION", 1)
    RejectedReport.objects.update(last_received_at=NOW - timedelta(days=100))
    assert tidying.delete_old(clock=lambda: NOW, time_budget_s=60)["rejected"] == 2
    assert left() == (0, 1, 1)
