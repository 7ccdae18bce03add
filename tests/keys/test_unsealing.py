import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from structlog.testing import capture_logs

from keys.models import KeyPair
from keys.services import unsealing
from keys.vault import UnknownMasterKeyError, new_master_key
from tests.factories import StaffFactory

pytestmark = pytest.mark.django_db


def test_unsealed_private_keys_are_those_of_the_advertised_keys(generate, django_assert_num_queries):
    generate()
    generate(label="Other")
    pairs = {pair.hashed_key: bytes(pair.advertisement_key) for pair in KeyPair.objects.all()}
    with django_assert_num_queries(1):
        keys = unsealing.unseal_private_keys(hashed_keys=[*pairs, "unknown"], purpose="test")
    assert keys.keys() == pairs.keys()
    for hashed_key, private_key in keys.items():
        assert isinstance(private_key, ec.EllipticCurvePrivateKey)
        x = private_key.public_key().public_numbers().x
        assert x.to_bytes(28, "big") == pairs[hashed_key]


def test_unsealing_is_logged_with_who_what_for_and_how_many(generate):
    generate()
    user = StaffFactory(username="ops")
    hashed_keys = list(KeyPair.objects.values_list("hashed_key", flat=True))
    with capture_logs() as logs:
        unsealing.unseal_private_keys(hashed_keys=hashed_keys, purpose="audit", actor=user)
        unsealing.unseal_private_keys(hashed_keys=hashed_keys[:2], purpose="fetch")
    assert [(line["who"], line["purpose"], line["unsealed"]) for line in logs] == [
        ("ops", "audit", 6),
        ("system", "fetch", 2),
    ]
    assert {line["event"] for line in logs} == {"private_keys_unsealed"}


def test_ciphertext_moved_to_another_key_is_refused_and_costs_only_itself(generate):
    generate()
    one, other, *_ = KeyPair.objects.order_by("pk")
    KeyPair.objects.filter(pk=one.pk).update(sealed_private_key=other.sealed_private_key)
    with capture_logs() as logs:
        keys = unsealing.unseal_private_keys(hashed_keys=[one.hashed_key, other.hashed_key], purpose="test")
    assert keys.keys() == {other.hashed_key}
    [error] = [line for line in logs if line["log_level"] == "error"]
    assert (error["event"], error["hashed_key"]) == ("private_key_tampered", one.hashed_key)


def test_wrong_master_key_is_loud(generate, settings):
    generate()
    settings.VAULT_MASTER_KEYS = [new_master_key()]
    with pytest.raises(UnknownMasterKeyError):
        unsealing.unseal_private_keys(
            hashed_keys=list(KeyPair.objects.values_list("hashed_key", flat=True)), purpose="test"
        )
