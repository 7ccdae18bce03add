import pytest

from ingestion.checks import check_fetching


@pytest.fixture(autouse=True)
def _good_settings(settings):
    settings.DEBUG = False
    settings.FINDMY_ACCOUNTS = ["one:1001:token-one"]
    settings.FETCH_LEASE_S = 300


def test_good_settings_are_silent():
    assert check_fetching() == []


@pytest.mark.parametrize(("debug", "ids"), [(False, ["ingestion.W001"]), (True, [])])
def test_missing_accounts_are_a_warning_where_it_is_meant(settings, debug, ids):
    settings.DEBUG = debug
    settings.FINDMY_ACCOUNTS = []

    assert [message.id for message in check_fetching()] == ids


def test_a_malformed_account_says_what_to_do_and_shows_no_token(settings):
    settings.FINDMY_ACCOUNTS = ["one:1001:token-one", "1001;sesame"]

    [message] = check_fetching()

    assert (message.id, message.is_serious()) == ("ingestion.E001", True)
    assert "entry 2" in message.msg
    assert "name:dsid:searchPartyToken" in message.hint
    assert "sesame" not in str(message)


@pytest.mark.parametrize(
    ("name", "value", "id_"),
    [
        ("FETCH_INTERVAL_MINUTES", 0, "ingestion.E002"),
        ("FINDMY_KEYS_PER_REQUEST", -1, "ingestion.E002"),
        ("FINDMY_PROTOCOL", "v3", "ingestion.E003"),
        ("FETCH_LEASE_S", 60, "ingestion.W002"),
    ],
)
def test_settings_that_make_no_sense_are_named(settings, name, value, id_):
    setattr(settings, name, value)

    [message] = check_fetching()

    assert message.id == id_
    assert message.msg.startswith(name)
    assert message.hint
