"""A start without usable Apple accounts is noticed before trackers go unfetched. Messages never hold a token."""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register

from ingestion.findmy.protocol import Shape
from ingestion.services.accounts import AccountFormatError, parse_accounts
from ingestion.tasks import FETCH_HARD_LIMIT_S

ACCOUNTS_HINT = (
    "Set FINDMY_ACCOUNTS to name:dsid:searchPartyToken, several separated by commas; the name is yours to choose, the"
    " other two come from a finished sign-in."
)


@register()
def check_fetching(app_configs: Sequence[AppConfig] | None = None, **kwargs: Any) -> list[CheckMessage]:
    return [*_check_accounts(), *_check_numbers(), *_check_protocol()]


def _check_accounts() -> list[CheckMessage]:
    try:
        accounts = parse_accounts(settings.FINDMY_ACCOUNTS)
    except AccountFormatError as error:
        return [Error(f"FINDMY_ACCOUNTS: {error}.", hint=ACCOUNTS_HINT, id="ingestion.E001")]
    if not accounts and not settings.DEBUG:
        message = "FINDMY_ACCOUNTS is empty: no report will be fetched."
        return [Warning(message, hint=ACCOUNTS_HINT, id="ingestion.W001")]
    return []


def _check_numbers() -> list[CheckMessage]:
    names = (
        "FINDMY_KEYS_PER_REQUEST",
        "FINDMY_REQUESTS_PER_ACCOUNT_PER_HOUR",
        "FETCH_INTERVAL_MINUTES",
        "FETCH_LEASE_S",
        "MAX_BACKOFF_HOURS",
        "MAX_REPORT_AGE_DAYS",
    )
    messages: list[CheckMessage] = [
        Error(f"{name} must be above 0.", hint="Leave it unset for the default.", id="ingestion.E002")
        for name in names
        if getattr(settings, name) <= 0
    ]
    if 0 < settings.FETCH_LEASE_S <= FETCH_HARD_LIMIT_S:
        message = f"FETCH_LEASE_S is not above {FETCH_HARD_LIMIT_S}, the seconds that a fetch may take."
        hint = "A slow fetch would be done twice: nothing is stored twice, but requests are wasted."
        messages.append(Warning(message, hint=hint, id="ingestion.W002"))
    return messages


def _check_protocol() -> list[CheckMessage]:
    if settings.FINDMY_PROTOCOL in set(Shape):
        return []
    return [Error("FINDMY_PROTOCOL is unknown.", hint=f"Use {' or '.join(Shape)}.", id="ingestion.E003")]
