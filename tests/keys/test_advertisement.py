import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keys import advertisement
from trackers.mac import parse_mac

VECTORS = [
    pytest.param(
        "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHA==",
        "Ynt8Czovt6R4rFZw6ZcxlKX9oLwHkbB1Bqc93Q==",
        "/vOKuaTt4YQhx94Ge/rHR9KDiKnuhcZ7CrxlJFsRUzg=",
        "E2:7B:7C:0B:3A:2F",
        id="A",
    ),
    pytest.param(
        "14XaAZY2jka5fYDp7VI+hDoS4pPXUZvYad74eg==",
        "6qo5suoEETuel0Jr/bSIS7rnh+Nyew1GO/D0GQ==",
        "KknbNnEvhlyS5zpLH9h22TpDoDKdTVMRLOn+jf8hi0w=",
        "EA:AA:39:B2:EA:04",
        id="D",
    ),
]
LEADING_ZERO_X = bytes(1) + bytes([7]) * 27


@pytest.mark.parametrize(("private", "advertised", "hashed", "mac"), VECTORS)
def test_golden_key_pair(private, advertised, hashed, mac):
    pair = advertisement.derive_key_pair(base64.b64decode(private))

    assert base64.b64encode(pair.advertisement_key).decode() == advertised
    assert pair.hashed_key == hashed
    assert pair.key_hash == base64.b64decode(hashed)
    assert pair.mac == mac


def test_payload_of_a_published_device_key():
    pair = advertisement.derive_key_pair(base64.b64decode("14XaAZY2jka5fYDp7VI+hDoS4pPXUZvYad74eg=="))

    published = "4c00121900113b9e97426bfdb4884bbae787e3727b0d463bf0f4190300"
    assert pair.payload.hex() == "1eff" + published
    assert len(pair.payload) == 31


def test_payload_carries_the_status_byte():
    assert advertisement.advertisement_payload(bytes(range(28)), 0xA0)[6] == 0xA0


def test_generated_pairs_are_usable_and_differ():
    pairs = [advertisement.generate_key_pair() for _ in range(600)]

    assert len({pair.advertisement_key for pair in pairs}) == 600
    assert all(pair.advertisement_key[0] for pair in pairs)
    assert all(advertisement.derive_key_pair(pair.private_key) == pair for pair in pairs[:20])


def test_generation_draws_again_after_a_leading_zero(monkeypatch):
    drawn = iter([LEADING_ZERO_X, bytes([9]) * 28])
    monkeypatch.setattr(advertisement, "_x_coordinate", lambda key: next(drawn))

    assert advertisement.generate_key_pair().advertisement_key == bytes([9]) * 28


def test_a_fleet_in_the_field_may_have_a_leading_zero():
    pair = advertisement.derive_key_pair(base64.b64decode("0bQfSA3A6Tfae+6CCGGPMVsD1MXN81VEJvHCPQ=="))
    assert advertisement.begins_with_zero(pair.advertisement_key)
    assert pair.mac == "C0:0A:BB:AD:F2:CF"


@pytest.mark.parametrize(
    ("key", "suits"),
    [(bytes([0]) * 28, False), (bytes([0x3F, *[0xFF] * 27]), False), (bytes([1]) * 28, True)],
)
def test_new_devices_get_no_key_that_firmware_loses_and_no_address_that_means_everybody(key, suits):
    assert advertisement.suits_new_devices(key) is suits


@pytest.mark.parametrize("scalar", [b"", bytes(27), bytes(29), bytes(28), b"\xff" * 28])
def test_invalid_private_key(scalar):
    with pytest.raises(advertisement.InvalidPrivateKeyError):
        advertisement.derive_key_pair(scalar)


@pytest.mark.parametrize("key", [b"", bytes(27), b"\xff" * 28])
def test_invalid_advertisement_key(key):
    with pytest.raises(advertisement.InvalidAdvertisementKeyError):
        advertisement.load_public_key(key)


def test_repr_hides_the_private_key():
    pair = advertisement.generate_key_pair()

    assert "private" not in repr(pair)
    assert repr(pair.private_key) not in repr(pair)


@given(st.binary(min_size=28, max_size=28))
def test_mac_and_payload_give_the_key_back(key):
    mac = bytes.fromhex(advertisement.mac_address(key).replace(":", ""))
    payload = advertisement.advertisement_payload(key)

    first = (payload[29] << 6) | (mac[0] & 0x3F)
    assert bytes([first]) + mac[1:] + payload[7:29] == key
    assert parse_mac(mac.hex()) == advertisement.mac_address(key)
