"""A start without a usable master key is an error: key pairs sealed by it would be lost without a word."""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, register

from keys.vault import Vault, VaultError

HINT = (
    "Set VAULT_MASTER_KEYS to base64 of 32 random bytes, for example from `openssl rand -base64 32`, and keep a copy"
    " in a safe place: without it no private key can be opened. To replace a master key, put the new one before the"
    " old one, separated by a comma."
)


@register()
def check_vault_master_keys(
    app_configs: Sequence[AppConfig] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    try:
        Vault.from_encoded(settings.VAULT_MASTER_KEYS)
    except VaultError as error:
        return [Error(f"VAULT_MASTER_KEYS: {error}.", hint=HINT, id="keys.E001")]
    return []
