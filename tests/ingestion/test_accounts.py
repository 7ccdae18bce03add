import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from ingestion.findmy.client import (
    Account,
    EmptyAnswerError,
    GatewayUnavailableError,
    ThrottledError,
    UnauthorizedError,
)
from ingestion.models import AccountState, AccountTally
from ingestion.services import accounts

NOW = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
ONE = Account("one", "1001", "token-one")
TWO = Account("two", "1002", "token-two")


@pytest.fixture(autouse=True)
def _settings(settings, own_redis_keys):
    settings.FINDMY_ACCOUNTS = ["one:1001:token-one", "two:1002:token-two"]
    settings.FINDMY_REQUESTS_PER_ACCOUNT_PER_HOUR = 4


def later(**delta: float) -> datetime:
    return NOW + timedelta(**delta)


def refuse(times: int, error=None, *, now=NOW):
    for _ in range(times):
        accounts.note_answer(ONE, requests=1, now=now, error=error or UnauthorizedError("no"))


def test_accounts_are_read_from_the_settings():
    assert accounts.parse_accounts([" one:1001:to:ken ", "two:1002:token-two"]) == [
        Account("one", "1001", "to:ken"),
        TWO,
    ]


@pytest.mark.parametrize(
    ("entries", "problem"),
    [
        (["sesame"], "entry 1"),
        (["one:1001"], "entry 1"),
        (["one::sesame"], "entry 1"),
        ([":1001:sesame"], "entry 1"),
        (["one:1001:a", "one:1002:sesame"], "entry 2 has the name of an earlier"),
        ([f"{'x' * 101}:1001:sesame"], "100 characters"),
    ],
)
def test_a_malformed_account_is_named_by_its_place_and_never_shown(entries, problem):
    with pytest.raises(accounts.AccountFormatError, match=problem) as caught:
        accounts.parse_accounts(entries)

    assert "sesame" not in str(caught.value)


@pytest.mark.django_db
def test_requests_rotate_among_accounts():
    names = [accounts.take_account(now=later(seconds=second)).name for second in range(6)]

    assert names == ["one", "two"] * 3


@pytest.mark.django_db
def test_the_budget_is_per_account_and_hour():
    taken = [accounts.take_account(now=later(seconds=second)) for second in range(10)]

    assert [account.name if account else None for account in taken] == ["one", "two"] * 4 + [None] * 2
    assert accounts.take_account(now=later(seconds=3599)) is None
    assert accounts.take_account(now=later(seconds=3600)) == ONE
    assert accounts.take_account(now=later(seconds=3600)) is None


def test_processes_share_one_budget(settings):
    settings.FINDMY_REQUESTS_PER_ACCOUNT_PER_HOUR = 50
    script = """
import django, sys; django.setup()
from django.utils import timezone
from ingestion.findmy.client import Account
from ingestion.services import accounts
account = Account("one", "1001", "token-one")
print(sum(accounts.take_request(account, now=timezone.now()) for _ in range(40)))
"""
    environ = os.environ | {
        "REDIS_PREFIX": settings.REDIS_PREFIX,
        "FINDMY_REQUESTS_PER_ACCOUNT_PER_HOUR": "50",
        "DJANGO_SETTINGS_MODULE": "config.settings",
    }
    processes = [
        subprocess.Popen([sys.executable, "-c", script], env=environ, stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]

    granted = [int(process.communicate(timeout=60)[0]) for process in processes]

    assert sum(granted) == 50
    assert not accounts.take_request(ONE, now=datetime.now(UTC))


@pytest.mark.django_db
def test_three_refusals_in_a_row_open_the_breaker():
    refuse(2)
    assert accounts.take_account(now=NOW) == ONE

    refuse(1)

    assert AccountState.objects.get(pk="one").cooldown_until == later(minutes=15)
    assert [accounts.take_account(now=later(seconds=second)) for second in range(2)] == [TWO, TWO]


@pytest.mark.django_db
def test_refusals_that_alternate_with_answers_do_not():
    for _ in range(10):
        refuse(2)
        accounts.note_answer(ONE, requests=1, now=NOW)

    state = AccountState.objects.get(pk="one")
    assert (state.consecutive_refusals, state.cooldown_until) == (0, None)
    assert state.last_success_at == NOW


@pytest.mark.django_db
@pytest.mark.parametrize("error", [ThrottledError("slow down"), GatewayUnavailableError("541", status=541)])
def test_other_refusals_open_it_as_well(error):
    refuse(3, error)

    assert AccountState.objects.get(pk="one").cooldown_until == later(minutes=15)


@pytest.mark.django_db
@pytest.mark.parametrize("error", [GatewayUnavailableError("503", status=503), EmptyAnswerError("nothing")])
def test_an_outage_does_not_speak_against_the_account(error):
    refuse(10, error)

    assert AccountState.objects.get(pk="one").cooldown_until is None


@pytest.mark.django_db
def test_a_failed_probe_after_the_cooldown_opens_it_for_twice_as_long_up_to_four_hours():
    refuse(3)
    now, minutes = NOW, []
    for _ in range(6):
        now = AccountState.objects.get(pk="one").cooldown_until
        assert accounts.take_account(now=now, excluding={"two"}) == ONE
        refuse(1, now=now)
        minutes.append((AccountState.objects.get(pk="one").cooldown_until - now).total_seconds() / 60)

    assert minutes == [30, 60, 120, 240, 240, 240]
    accounts.note_answer(ONE, requests=1, now=now)
    assert AccountState.objects.get(pk="one").cooldown_until is None


@pytest.mark.django_db
def test_retry_after_is_honoured_at_once():
    refuse(1, ThrottledError("slow down", retry_after_s=30))

    assert AccountState.objects.get(pk="one").cooldown_until == later(seconds=30)
    assert accounts.take_account(now=later(seconds=29), excluding={"two"}) is None
    assert accounts.take_account(now=later(seconds=30), excluding={"two"}) == ONE


@pytest.mark.django_db
@pytest.mark.parametrize(("asked_s", "hours"), [(10_000_000, 24), (7200, 2)])
def test_a_longer_retry_after_wins_within_reason(asked_s, hours):
    refuse(3, ThrottledError("slow down", retry_after_s=asked_s))

    assert AccountState.objects.get(pk="one").cooldown_until == later(hours=hours)


@pytest.mark.django_db
def test_days_are_tallied():
    refuse(2)
    refuse(1, ThrottledError("slow down"))
    refuse(1, GatewayUnavailableError("500", status=500))
    accounts.note_answer(ONE, requests=3, now=NOW)
    accounts.note_answer(ONE, requests=1, now=later(days=1))

    tallies = AccountTally.objects.order_by("day").values_list(
        "requests", "unauthorized", "throttled", "other_failures"
    )
    assert list(tallies) == [(7, 2, 1, 1), (1, 0, 0, 0)]


@pytest.mark.django_db
def test_without_accounts_nobody_is_asked(settings):
    settings.FINDMY_ACCOUNTS = []

    assert accounts.take_account(now=NOW) is None
