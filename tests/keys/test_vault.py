import base64
import pickle

import pytest

from keys.vault import (
    MalformedMasterKeyError,
    MissingMasterKeyError,
    TamperedSecretError,
    UnknownMasterKeyError,
    Vault,
    VaultError,
    new_master_key,
)

PRIVATE_KEY = bytes(range(1, 29))
KEY_HASH = bytes(range(32))
OTHER_HASH = bytes(range(1, 33))


@pytest.fixture
def vault():
    return Vault.from_encoded([new_master_key()])


def test_what_is_sealed_opens_again(vault):
    data_key, sealed_data_key = vault.new_data_key()
    sealed = data_key.seal(PRIVATE_KEY, key_hash=KEY_HASH)
    assert PRIVATE_KEY not in sealed
    assert vault.open_data_key(sealed_data_key).open(sealed, key_hash=KEY_HASH) == PRIVATE_KEY


def test_sealed_sizes_are_as_documented(vault):
    data_key, sealed_data_key = vault.new_data_key()
    assert len(sealed_data_key) == 4 + 12 + 32 + 16
    assert len(data_key.seal(PRIVATE_KEY, key_hash=KEY_HASH)) == 12 + 28 + 16


def test_the_same_secret_never_seals_to_the_same_bytes(vault):
    data_key, _ = vault.new_data_key()
    assert data_key.seal(PRIVATE_KEY, key_hash=KEY_HASH) != data_key.seal(PRIVATE_KEY, key_hash=KEY_HASH)


def test_ciphertext_swapped_with_another_keys_is_refused(vault):
    data_key, _ = vault.new_data_key()
    sealed = data_key.seal(PRIVATE_KEY, key_hash=KEY_HASH)
    with pytest.raises(TamperedSecretError):
        data_key.open(sealed, key_hash=OTHER_HASH)


def test_ciphertext_of_another_batch_is_refused(vault):
    one, other = vault.new_data_key()[0], vault.new_data_key()[0]
    with pytest.raises(TamperedSecretError):
        other.open(one.seal(PRIVATE_KEY, key_hash=KEY_HASH), key_hash=KEY_HASH)


@pytest.mark.parametrize("position", range(56))
def test_any_altered_byte_of_a_private_key_is_refused(vault, position):
    data_key, _ = vault.new_data_key()
    sealed = bytearray(data_key.seal(PRIVATE_KEY, key_hash=KEY_HASH))
    sealed[position] ^= 1
    with pytest.raises(TamperedSecretError):
        data_key.open(bytes(sealed), key_hash=KEY_HASH)


@pytest.mark.parametrize("position", range(64))
def test_any_altered_byte_of_a_data_key_is_refused(vault, position):
    sealed = bytearray(vault.new_data_key()[1])
    sealed[position] ^= 1
    with pytest.raises(VaultError):
        vault.open_data_key(bytes(sealed))


@pytest.mark.parametrize("length", [0, 1, 11, 12, 27, 55])
def test_cut_ciphertext_is_refused(vault, length):
    data_key, sealed_data_key = vault.new_data_key()
    with pytest.raises(TamperedSecretError):
        data_key.open(data_key.seal(PRIVATE_KEY, key_hash=KEY_HASH)[:length], key_hash=KEY_HASH)
    with pytest.raises(VaultError):
        vault.open_data_key(sealed_data_key[:length])


def test_data_key_of_an_unlisted_master_key_names_both_ids(vault):
    other = Vault.from_encoded([new_master_key()])
    with pytest.raises(UnknownMasterKeyError) as raised:
        other.open_data_key(vault.new_data_key()[1])
    assert vault.master_keys[0].key_id.hex() in str(raised.value)
    assert other.master_keys[0].key_id.hex() in str(raised.value)


def test_first_master_key_seals_and_all_open():
    old, new = new_master_key(), new_master_key()
    _, sealed_by_old = Vault.from_encoded([old]).new_data_key()
    both = Vault.from_encoded([new, old])
    both.open_data_key(sealed_by_old)
    _, sealed_by_new = both.new_data_key()
    Vault.from_encoded([new]).open_data_key(sealed_by_new)


def test_resealed_data_key_opens_the_same_private_keys_without_the_old_master_key():
    old, new = new_master_key(), new_master_key()
    data_key, sealed_data_key = Vault.from_encoded([old]).new_data_key()
    sealed = data_key.seal(PRIVATE_KEY, key_hash=KEY_HASH)
    both = Vault.from_encoded([new, old])
    resealed = both.reseal_data_key(sealed_data_key)
    assert resealed != sealed_data_key
    assert both.reseal_data_key(resealed) == resealed
    assert Vault.from_encoded([new]).open_data_key(resealed).open(sealed, key_hash=KEY_HASH) == PRIVATE_KEY


def test_key_id_depends_on_the_master_key_alone():
    encoded = new_master_key()
    ids = {Vault.from_encoded([text]).master_keys[0].key_id for text in (encoded, f" {encoded}\n")}
    assert len(ids) == 1
    assert next(iter(ids)) not in base64.b64decode(encoded)


def test_missing_master_key_is_its_own_error():
    with pytest.raises(MissingMasterKeyError):
        Vault.from_encoded([])


@pytest.mark.parametrize(
    "text", ["", "secret", "é" * 44, "A" * 43, base64.b64encode(bytes(31)).decode(), "not base64 at all!"]
)
def test_malformed_master_key_is_named_by_number_and_never_shown(text):
    with pytest.raises(MalformedMasterKeyError, match="master key number 2") as raised:
        Vault.from_encoded([new_master_key(), text])
    assert raised.value.__cause__ is None
    assert not text or text not in str(raised.value)


def test_nothing_reprs_or_pickles_a_secret():
    encoded = new_master_key()
    vault = Vault.from_encoded([encoded])
    data_key, _ = vault.new_data_key()
    shown = f"{vault!r} {vault.master_keys!r} {data_key!r} {data_key} {vault}"
    assert encoded not in shown
    assert base64.b64decode(encoded).hex() not in shown
    assert "AESGCM" not in shown
    for secretive in (vault, data_key):
        with pytest.raises(TypeError):
            pickle.dumps(secretive)
