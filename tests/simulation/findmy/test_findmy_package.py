"""Proof that the local gateway and the codec are faithful: the reference client works with both."""

import asyncio
import base64
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import findmy
import pytest
from findmy.reports.reports import LocationReport

from ingestion.findmy import payload
from keys import advertisement
from simulation.findmy.gateway import LocalGateway
from tests.simulation.findmy import worlds

PAIRS = [worlds.key_pair(number) for number in range(1, 4)]
DSID, TOKEN = "1234567", "token-of-the-demo"
NOW = worlds.WHEN_ALL_IS_PUBLISHED
ENDPOINTS = [name for name in vars(findmy.AsyncAppleAccount) if name.startswith("_ENDPOINT_")]


@pytest.fixture
def gateway() -> Iterator[LocalGateway]:
    plan = worlds.plan([worlds.tracker([pair]) for pair in PAIRS])
    with LocalGateway(plan, accounts=[(DSID, TOKEN)], clock=lambda: NOW) as running:
        yield running


@pytest.fixture
def fetch_history(gateway, monkeypatch):
    """Return a function that fetches as a signed-in client; no endpoint of it leads out of this machine."""
    for name in ENDPOINTS:
        monkeypatch.setattr(findmy.AsyncAppleAccount, name, gateway.url + "nowhere")
    monkeypatch.setattr(findmy.AsyncAppleAccount, "_ENDPOINT_REPORTS_FETCH", gateway.fetch_url())
    state = {
        "type": "account",
        "ids": {
            "uid": "7c7a51b6-0c2e-4fd1-a5f5-55d4f1f1b6a0",
            "devid": "5c9c5d0e-9f0a-4a53-8a2c-52de0a6d8f11",
        },
        "account": {"username": "demo", "password": "none", "info": None},
        "login": {
            "state": 3,
            "data": {"dsid": DSID, "mobileme_data": {"tokens": {"searchPartyToken": TOKEN}}},
        },
        "anisette": {"type": "aniRemote", "url": gateway.url},
    }

    async def fetch(keys):
        account = findmy.AsyncAppleAccount(findmy.RemoteAnisetteProvider(gateway.url), state_info=state)
        try:
            return await account.fetch_location_history(keys)
        finally:
            await account.close()

    def fetch_in_thread(keys):
        """A browser test before this one may have left a running loop in the main thread."""
        with ThreadPoolExecutor(max_workers=1) as thread:
            return thread.submit(asyncio.run, fetch(keys)).result()

    return fetch_in_thread


def _findmy_key(pair: advertisement.KeyPair):
    return findmy.KeyPair(pair.private_key)


def test_every_endpoint_is_overridden():
    assert {"_ENDPOINT_REPORTS_FETCH", "_ENDPOINT_GSA", "_ENDPOINT_LOGIN_MOBILEME"} <= set(ENDPOINTS)


@pytest.mark.parametrize("pair", PAIRS)
def test_both_derive_the_same_from_a_private_key(pair):
    key = _findmy_key(pair)

    assert key.adv_key_bytes == pair.advertisement_key
    assert key.hashed_adv_key_b64 == pair.hashed_key


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_package_fetches_from_the_gateway_and_decrypts_both_lengths(gateway, fetch_history):
    keys = [_findmy_key(pair) for pair in PAIRS]

    history = fetch_history(keys)

    for key, pair in zip(keys, PAIRS, strict=True):
        own_key = advertisement.load_private_key(pair.private_key)
        assert {len(report.payload) for report in history[key]} == {88, 89}
        for report in history[key]:
            ours = payload.decrypt(report.payload, own_key)
            assert report.is_decrypted
            assert (report.latitude, report.longitude) == (ours.latitude, ours.longitude)
            assert (report.horizontal_accuracy, report.status, report.confidence) == (
                ours.accuracy_m,
                ours.status,
                ours.confidence,
            )
            assert report.timestamp == ours.seen_at
    assert gateway.stats()["counts"]["fetch_v2"] == 1
    assert gateway.stats()["counts"]["anisette"] == 1


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_rolling_accessory_sends_its_keys_as_secondary_ids(fetch_history):
    pair = PAIRS[0]
    accessory = findmy.FixedRollingKeyPairAccessory(private_keys=[pair.private_key], identifier="tag")

    assert fetch_history(accessory)


@pytest.mark.parametrize("size", [88, 89])
def test_the_package_opens_what_our_codec_seals(size):
    pair = PAIRS[0]
    seen_at = datetime(2026, 5, 6, 7, 8, 9, tzinfo=UTC)
    sealed = payload.encrypt(
        payload.DecryptedReport(seen_at, -33.8568, 151.2153, 77, 0xA0, 1), pair.advertisement_key, size=size
    )

    report = LocationReport(sealed, pair.key_hash)
    report.decrypt(_findmy_key(pair))

    assert (report.latitude, report.longitude) == (-33.8568, 151.2153)
    assert (report.horizontal_accuracy, report.status, report.confidence) == (77, 0xA0, 1)
    assert report.timestamp == seen_at


@pytest.mark.parametrize("number", range(20))
def test_our_codec_agrees_with_the_package_about_shared_secrets(number):
    pair = worlds.key_pair(1000 + number)
    phone = worlds.key_pair(2000 + number)
    report = payload.DecryptedReport(
        datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=number), 1.5, 2.5, 20, 0, 3
    )
    sealed = payload.encrypt(
        report, pair.advertisement_key, ephemeral_key=advertisement.load_private_key(phone.private_key)
    )

    theirs = LocationReport.from_json(
        {
            "type": "locReportEncrypted",
            "payload": base64.b64encode(sealed).decode(),
            "hashed_adv_key": pair.hashed_key,
        }
    )
    theirs.decrypt(_findmy_key(pair))
    assert (
        theirs.latitude == payload.decrypt(sealed, advertisement.load_private_key(pair.private_key)).latitude
    )
