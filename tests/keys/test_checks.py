import pytest
from django.core.checks import Error, run_checks

from keys.vault import new_master_key


def vault_errors():
    return [message for message in run_checks() if message.id == "keys.E001"]


def test_usable_master_keys_pass(settings):
    settings.VAULT_MASTER_KEYS = [new_master_key(), new_master_key()]
    assert vault_errors() == []


def test_missing_master_key_is_an_error_that_says_how_to_make_one(settings):
    settings.VAULT_MASTER_KEYS = []
    [error] = vault_errors()
    assert isinstance(error, Error)
    assert "no master key is configured" in error.msg
    assert "openssl rand -base64 32" in error.hint


@pytest.mark.parametrize("text", ["c2VjcmV0", "my secret passphrase"])
def test_malformed_master_key_is_an_error_that_does_not_show_it(settings, text):
    settings.VAULT_MASTER_KEYS = [new_master_key(), text]
    [error] = vault_errors()
    assert "number 2" in error.msg
    assert text not in f"{error} {error.hint}"
