"""A start without usable master keys is an error: key pairs sealed by them would be lost without a word."""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.db import DEFAULT_DB_ALIAS, connection

from keys.models import DeviceImport, KeyBatch
from keys.services import rotating
from keys.vault import Vault, VaultError

HINT = (
    "Set VAULT_MASTER_KEYS to base64 of 32 random bytes, for example from `openssl rand -base64 32`, and keep a copy"
    " in a safe place: without it no private key can be unsealed. To replace a master key, put the new one before the"
    " old one, separated by a comma."
)
MISSING_HINT = (
    "Add the master key with that id to VAULT_MASTER_KEYS, after the first one: it is in your backup of secrets."
    " Without it the private keys of these batches and imports can't be unsealed."
    " `manage.py rotate_vault_key` replaces a master key without loss."
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


@register(Tags.database)
def check_stored_data_keys(
    app_configs: Sequence[AppConfig] | None = None, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Each master key that seals something here is listed. Runs where a web process or a worker starts, and with
    `migrate` and `check --database default`."""
    if DEFAULT_DB_ALIAS not in (databases or ()) or not _is_migrated():
        return []
    try:
        unlisted = rotating.unlisted_key_ids()
    except VaultError:
        return []  # keys.E001 says so.
    return [
        Error(
            f"VAULT_MASTER_KEYS does not list the master key {key_id.hex()}; data keys that it seals: {number:,}.",
            hint=MISSING_HINT,
            id="keys.E002",
        )
        for key_id, number in unlisted.items()
    ]


def _is_migrated() -> bool:
    tables = [KeyBatch._meta.db_table, DeviceImport._meta.db_table]
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s) IS NOT NULL AND to_regclass(%s) IS NOT NULL", tables)
        (there,) = cursor.fetchone()
    return bool(there)
