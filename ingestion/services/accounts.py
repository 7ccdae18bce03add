"""Apple accounts: which may be asked next, within its budget, and which are cooling down.

The budget is counted in Redis, where all workers take from it atomically. The circuit breaker is in PostgreSQL:
refusals (401, 429, 541) in a row open it; one good answer closes it. A 429 that says how long to wait opens it at once.
"""

import secrets
from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F

from foundation import lua
from foundation.redis_connection import connect
from ingestion import selectors
from ingestion.findmy.client import (
    Account,
    FetchError,
    GatewayUnavailableError,
    ThrottledError,
    UnauthorizedError,
)
from ingestion.models import AccountState, AccountTally

REFUSALS_TO_OPEN = 3
SHORTEST_COOLDOWN = timedelta(minutes=15)
LONGEST_COOLDOWN = timedelta(hours=4)
# A gateway that asks for more than that is not believed.
LONGEST_RETRY_AFTER = timedelta(hours=24)
BUDGET_WINDOW = timedelta(hours=1)
LOGIN_DEAD_STATUS = 541

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)


class AccountFormatError(ValueError):
    """An entry of FINDMY_ACCOUNTS that can't be used; the message never holds the entry itself."""


def parse_accounts(entries: Sequence[str]) -> list[Account]:
    """Read `name:dsid:searchPartyToken` entries. Raises AccountFormatError."""
    accounts: list[Account] = []
    for position, entry in enumerate(entries, start=1):
        name, _, rest = entry.strip().partition(":")
        dsid, _, token = rest.partition(":")
        if not (name and dsid and token):
            raise AccountFormatError(f"entry {position} is not of the form name:dsid:searchPartyToken")
        if len(name) > 100 or not name.isprintable():
            raise AccountFormatError(
                f"the name in entry {position} is longer than 100 characters or not text"
            )
        if name in {account.name for account in accounts}:
            raise AccountFormatError(f"entry {position} has the name of an earlier entry")
        accounts.append(Account(name, dsid, token))
    return accounts


def take_account(*, now: datetime, excluding: Collection[str] = ()) -> Account | None:
    """Take one request from the budget of the account that was asked longest ago, and return that account.

    None if every account has used its budget of the last hour, is cooling down or is excluded.
    """
    excluded = selectors.cooling_accounts(now=now).union(excluding)
    candidates = [
        account for account in parse_accounts(settings.FINDMY_ACCOUNTS) if account.name not in excluded
    ]
    chosen = _take(candidates, now)
    return candidates[chosen - 1] if chosen else None


def take_request(account: Account, *, now: datetime) -> bool:
    """Take one more request from this account's budget; False if nothing is left of it."""
    return bool(_take([account], now))


def note_answer(account: Account, *, requests: int, now: datetime, error: FetchError | None = None) -> None:
    """Count what came of `requests` requests in a row, and open or close the account's circuit breaker."""
    with transaction.atomic():
        AccountState.objects.bulk_create([AccountState(name=account.name)], ignore_conflicts=True)
        state = AccountState.objects.select_for_update().get(pk=account.name)
        state.last_request_at = now
        if error is None:
            state.consecutive_refusals, state.cooldown_until = 0, None
            state.last_success_at = now
        else:
            state.last_error = describe(error)
        if error is not None and is_refusal(error):
            state.consecutive_refusals += 1
            state.cooldown_until = _cooldown_until(state.consecutive_refusals, error, now)
        state.save()
        _tally(account.name, requests, error, now)


def is_refusal(error: FetchError) -> bool:
    """Whether an error speaks against the account and not against the gateway."""
    if isinstance(error, GatewayUnavailableError):
        return error.status == LOGIN_DEAD_STATUS
    return isinstance(error, UnauthorizedError | ThrottledError)


def describe(error: Exception) -> str:
    """One line for ops, never empty."""
    code = getattr(error, "code", type(error).__name__)
    return f"{code}: {error}"[:300]


def _take(accounts: Sequence[Account], now: datetime) -> int:
    if not accounts:
        return 0
    script = connect(settings.REDIS_URL).register_script(lua.load("ingestion/take_request"))
    now_ms = (now - _EPOCH) // _MS
    return int(
        script(
            keys=[f"{settings.REDIS_PREFIX}fetch:requests:{account.name}" for account in accounts],
            args=[
                now_ms,
                BUDGET_WINDOW // _MS,
                settings.FINDMY_REQUESTS_PER_ACCOUNT_PER_HOUR,
                f"{now_ms}:{secrets.token_hex(8)}",
            ],
        )
    )


def _cooldown_until(refusals: int, error: FetchError, now: datetime) -> datetime | None:
    asked_s = error.retry_after_s if isinstance(error, ThrottledError) else None
    waits = [min(timedelta(seconds=asked_s), LONGEST_RETRY_AFTER)] if asked_s else []
    if refusals >= REFUSALS_TO_OPEN:
        doublings = min(refusals - REFUSALS_TO_OPEN, 10)
        waits.append(min(SHORTEST_COOLDOWN * 2**doublings, LONGEST_COOLDOWN))
    return now + max(waits) if waits else None


def _tally(name: str, requests: int, error: FetchError | None, now: datetime) -> None:
    day = now.astimezone(UTC).date()
    AccountTally.objects.bulk_create([AccountTally(account=name, day=day)], ignore_conflicts=True)
    increments = {"requests": requests}
    if isinstance(error, UnauthorizedError):
        increments["unauthorized"] = 1
    elif isinstance(error, ThrottledError):
        increments["throttled"] = 1
    elif error is not None:
        increments["other_failures"] = 1
    AccountTally.objects.filter(account=name, day=day).update(
        **{field: F(field) + number for field, number in increments.items()}
    )
