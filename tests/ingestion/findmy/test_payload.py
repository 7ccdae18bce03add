import base64
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestion.findmy import payload, protocol
from keys import advertisement
from tests.laws import law

SCALAR = base64.b64decode("AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHA==")
PAIR = advertisement.derive_key_pair(SCALAR)
PRIVATE_KEY = advertisement.load_private_key(SCALAR)
A_SHORT = base64.b64decode(
    "LwagdQIEAxNR+h6YObK4kE+C5x0UNoWZ8T/tn5NtOtnqqI9Me1qLMvI0GtzDmrkWdX80qY2hYBKjHbwdu0Btwa/2fwiaFpDvFsikgOns"
    "qA7MJ6tsP34ZFw=="
)
A_LONG = base64.b64decode(
    "LwagdQACBAMTUfoemDmyuJBPgucdFDaFmfE/7Z+TbTrZ6qiPTHtaizLyNBrcw5q5FnV/NKmNoWASox28HbtAbcGv9n8ImhaQ7xbIpIDp"
    "7KgOzCerbD9+GRc="
)
B = base64.b64decode(
    "LwagdQIEAxNR+h6YObK4kE+C5x0UNoWZ8T/tn5NtOtnqqI9Me1qLMvI0GtzDmrkWdX80qY2hYBKjHbwdu0CZKDQu2D1gAJDvOhqcMtmV"
    "ToY5Bua697a//g=="
)
C = base64.b64decode(
    "LxZxgAEEnR+yA5WL2b3KZ6NYCplbhwue/Cqem2/H2DJNOSfyuvXUBUZadaWqeyxP7YC2UCGzeNLPobcAuB5woxz1fSPdfjK8UYhP68rs"
    "KYa2yPqWtLO6iA=="
)
E = base64.b64decode(
    "L1xAWwACBGGyF5qhmCL+SOqbcHSHez/n/E6tLNEAdAKqVveUhNM2QuxuWctMkpnbPTSuewQ87uBanZTJj5aS5SO4kc9rSlOYrPoWPqyk"
    "ajL7YDwMUoJn+ck="
)
SEEN_A = datetime(2026, 1, 1, 12, 30, 45, tzinfo=UTC)
SEEN_C = datetime(2026, 1, 13, 12, 26, 40, tzinfo=UTC)
SIZES = [protocol.SHORT_PAYLOAD_BYTES, protocol.LONG_PAYLOAD_BYTES]


@pytest.mark.parametrize(
    ("sealed", "expected"),
    [
        pytest.param(A_SHORT, payload.DecryptedReport(SEEN_A, 52.379189, 4.899431, 12, 3, 2), id="A-88"),
        pytest.param(A_LONG, payload.DecryptedReport(SEEN_A, 52.379189, 4.899431, 12, 3, 2), id="A-89"),
        pytest.param(B, payload.DecryptedReport(SEEN_A, -33.856159, -151.215256, 12, 3, 2), id="B-negative"),
        pytest.param(
            C, payload.DecryptedReport(SEEN_C, -33.8568, 151.2153, 77, 0x90, 1), id="C-shared-x-begins-with-0"
        ),
    ],
)
def test_golden_vectors(sealed, expected):
    assert payload.decrypt(sealed, PRIVATE_KEY) == expected


def test_real_long_payload_is_parsed_without_its_key():
    report = payload.parse(E)

    assert report.seen_at == datetime(2026, 3, 7, 11, 15, 39, tzinfo=UTC)
    assert report.confidence == 2
    assert report.ephemeral_point[0] == 4
    assert len(report.sealed) == 26
    with pytest.raises(payload.BadTagError):
        payload.decrypt(E, PRIVATE_KEY)


def test_an_extra_byte_other_than_zero_is_tolerated():
    assert payload.decrypt(A_LONG[:4] + b"\x07" + A_LONG[5:], PRIVATE_KEY).latitude == 52.379189


@pytest.mark.parametrize(
    ("status", "battery"),
    [
        (0x00, None),
        (0x90, None),
        (0x20, protocol.Battery.FULL),
        (0x60, protocol.Battery.MEDIUM),
        (0xA3, protocol.Battery.LOW),
        (0xFF, protocol.Battery.CRITICAL),
    ],
)
def test_battery_needs_the_bit_that_says_it_is_reported(status, battery):
    assert payload.DecryptedReport(SEEN_A, 0, 0, 10, status, 3).battery is battery


def _sealed(latitude: float, longitude: float) -> bytes:
    return payload.encrypt(
        payload.DecryptedReport(SEEN_A, latitude, longitude, 10, 0, 3), PAIR.advertisement_key
    )


@pytest.mark.parametrize(
    ("sealed", "error"),
    [
        pytest.param(b"", payload.EmptyPayloadError, id="empty"),
        pytest.param(A_SHORT[:-1], payload.WrongLengthError, id="87"),
        pytest.param(A_LONG + b"\0", payload.WrongLengthError, id="90"),
        pytest.param(A_SHORT[:6] + b"\xff" * 56 + A_SHORT[62:], payload.OffCurvePointError, id="off-curve"),
        pytest.param(A_SHORT[:5] + bytes(57) + A_SHORT[62:], payload.OffCurvePointError, id="infinity"),
        pytest.param(A_SHORT[:5] + b"\2" + A_SHORT[6:], payload.OffCurvePointError, id="compressed"),
        pytest.param(A_SHORT[:-1] + b"\0", payload.BadTagError, id="tag"),
        pytest.param(A_SHORT[:62] + b"\0" + A_SHORT[63:], payload.BadTagError, id="ciphertext"),
        pytest.param(_sealed(90.0000001, 0), payload.LatitudeOutOfRangeError, id="north"),
        pytest.param(_sealed(-90.0000001, 0), payload.LatitudeOutOfRangeError, id="south"),
        pytest.param(_sealed(0, 180.0000001), payload.LongitudeOutOfRangeError, id="east"),
        pytest.param(_sealed(0, -180.0000001), payload.LongitudeOutOfRangeError, id="west"),
    ],
)
def test_each_malformed_payload_has_its_own_error(sealed, error):
    with pytest.raises(payload.PayloadError) as caught:
        payload.decrypt(sealed, PRIVATE_KEY)

    assert type(caught.value) is error


def test_error_codes_are_distinct():
    codes = [error.code for error in payload.PayloadError.__subclasses__()]

    assert len(codes) == len(set(codes)) == 6


def test_poles_and_date_line_are_inside():
    assert payload.decrypt(_sealed(90, -180), PRIVATE_KEY).latitude == 90


def test_a_payload_for_another_key_has_a_bad_tag():
    other = advertisement.load_private_key(bytes(27) + b"\x05")

    with pytest.raises(payload.BadTagError):
        payload.decrypt(A_SHORT, other)


def test_encryption_knows_only_two_sizes():
    with pytest.raises(payload.WrongLengthError):
        payload.encrypt(payload.decrypt(A_SHORT, PRIVATE_KEY), PAIR.advertisement_key, size=90)


def test_a_given_ephemeral_key_makes_the_same_bytes():
    report = payload.decrypt(A_SHORT, PRIVATE_KEY)
    ephemeral = advertisement.load_private_key(bytes(27) + b"\x09")

    sealed = [payload.encrypt(report, PAIR.advertisement_key, ephemeral_key=ephemeral) for _ in range(2)]
    assert sealed[0] == sealed[1]
    assert sealed[0] != payload.encrypt(report, PAIR.advertisement_key)


@law(200)
@given(
    seconds=st.integers(0, 2**32 - 1),
    latitude=st.integers(-900_000_000, 900_000_000),
    longitude=st.integers(-1_800_000_000, 1_800_000_000),
    accuracy_m=st.integers(0, 255),
    status=st.integers(0, 255),
    confidence=st.integers(0, 255),
    scalar=st.integers(1, 2**223),
    size=st.sampled_from(SIZES),
)
def test_round_trip(*, seconds, latitude, longitude, accuracy_m, status, confidence, scalar, size):
    private_key = advertisement.load_private_key(scalar.to_bytes(28, "big"))
    advertised = advertisement._x_coordinate(private_key)
    report = payload.DecryptedReport(
        protocol.EPOCH + timedelta(seconds=seconds),
        latitude / 1e7,
        longitude / 1e7,
        accuracy_m,
        status,
        confidence,
    )

    sealed = payload.encrypt(report, advertised, size=size)

    assert len(sealed) == size
    assert payload.decrypt(sealed, private_key) == report


@given(st.binary(max_size=100))
def test_any_bytes_give_a_payload_error_and_nothing_else(data):
    with pytest.raises(payload.PayloadError):
        payload.decrypt(data, PRIVATE_KEY)
