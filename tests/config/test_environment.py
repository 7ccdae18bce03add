"""Variables that make no sense stop the start with a line that names them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured
from rest_framework.throttling import SimpleRateThrottle

from config.environment import Environment

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture
def env(monkeypatch):
    def with_value(value):
        monkeypatch.setenv("X", value)
        return Environment()

    return with_value


@pytest.mark.parametrize(
    ("value", "meant"),
    [("true", True), ("YES", True), ("1", True), (" off", False), ("0", False), ("", True)],
)
def test_yes_and_no(env, value, meant):
    assert env(value).bool("X", default=True) is meant


@pytest.mark.parametrize("value", ["ture", "enabled", "2", "none", "tru e"])
def test_what_is_neither_yes_nor_no_is_not_taken_for_no(env, value):
    with pytest.raises(ImproperlyConfigured, match=r"^X is neither true nor false\.$"):
        env(value).bool("X", default=True)


@pytest.mark.parametrize("value", ["many", "1.5", "1e3", "-1", "0x10", "²", "1_000", "nan", "9" * 20])
def test_number_that_is_none(env, value):
    with pytest.raises(ImproperlyConfigured, match=r"^X is no whole number of at least 0\.$"):
        env(value).int("X", default=3)


@pytest.mark.parametrize("value", ["many", "nan", "inf", "-inf", "-0.1", "1e999", "1,5"])
def test_measure_that_is_none(env, value):
    with pytest.raises(ImproperlyConfigured, match=r"^X is no number of at least 0\.$"):
        env(value).float("X", default=3.0)


def test_bounds(env):
    assert env("0").int("X", default=3) == 0
    assert env("0").float("X", default=3.0) == 0
    assert env("2.5").float("X", default=3.0, above=0) == 2.5
    with pytest.raises(ImproperlyConfigured, match="at least 1"):
        env("0").int("X", default=3, least=1)
    with pytest.raises(ImproperlyConfigured, match="above 0"):
        env("0").float("X", default=3.0, above=0)


def test_empty_is_the_default(env):
    empty = env(" ")
    assert (empty.int("X", default=3), empty.float("X", default=2.5)) == (3, 2.5)
    assert (empty.rate("X", default="1/s"), empty.list("X", default=["a"])) == ("1/s", ["a"])


def test_space_around_the_parts_of_a_list_is_no_part_of_them(env):
    assert env(" a.example, b.example ,,").list("X", default=[]) == ["a.example", "b.example"]


@pytest.mark.parametrize("value", ["1/s", "60/min", "1000/day", "5/hour", "5/h"])
def test_rate_is_read_as_it_is_written(env, value):
    assert env(value).rate("X", default="1/s") == value
    number, seconds = SimpleRateThrottle.parse_rate(object(), value)
    assert number * seconds > 0


@pytest.mark.parametrize(
    "value", ["60", "60/", "/min", "many/min", "0/min", "60/week", "60/month", "-1/s", "60 / min"]
)
def test_rate_that_is_none(env, value):
    with pytest.raises(ImproperlyConfigured, match="X is no rate such as"):
        env(value).rate("X", default="1/s")


def test_choice(env):
    assert env("DEBUG").choice("X", ["INFO", "DEBUG"], default="INFO") == "DEBUG"
    with pytest.raises(ImproperlyConfigured, match="X is none of INFO, DEBUG"):
        env("LOUD").choice("X", ["INFO", "DEBUG"], default="INFO")


class TestUnknown:
    @pytest.fixture
    def known(self):
        env = Environment()
        env.names = {"FINDMY_URL", "ALERT_SILENT_FACTOR", "REDIS_URL", "API_RATE_USER"}
        return env

    def test_what_begins_like_ours_is_a_mistake(self, known, tmp_path):
        with pytest.raises(ImproperlyConfigured) as raised:
            known.refuse_unknown({"FINDMY_ULR": "secret", "ALERT_SPEED": "1"}, tmp_path / ".env")
        assert "FINDMY_ULR is no variable of Glimpse" in str(raised.value)
        assert "Did you mean FINDMY_URL?" in str(raised.value)
        assert "ALERT_SPEED is no variable of Glimpse" in str(raised.value)
        assert "secret" not in str(raised.value)

    def test_what_is_almost_ours_is_a_mistake_in_our_own_file(self, known, tmp_path):
        dotenv = tmp_path / ".env"
        dotenv.write_text("# API_RATE_USERS=1\nREDIS_URL=x\nexport REDIS_URLS=y\nPOSTGRES_PASSWORD=z\n")
        with pytest.raises(
            ImproperlyConfigured, match=r"^REDIS_URLS is no variable.*Did you mean REDIS_URL\?$"
        ):
            known.refuse_unknown({"REDIS_URLS": "of somebody else"}, dotenv)

    def test_what_others_have_is_left_to_them(self, known, tmp_path):
        known.refuse_unknown({"REDIS_PORT": "1", "API_KEY": "x", "PATH": "/"}, tmp_path / ".env")


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("SECURE_SSL_REDIRECT", "enabled", "SECURE_SSL_REDIRECT is neither true nor false."),
        ("ALERT_SILENT_FACTOR", "nan", "ALERT_SILENT_FACTOR is no number above 0."),
        ("API_RATE_USER", "many", "API_RATE_USER is no rate such as 60/min"),
        ("FINDMY_KEYS", "3", "FINDMY_KEYS is no variable of Glimpse"),
    ],
)
def test_start_ends_with_the_line(name, value, said):
    ended = subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=REPOSITORY,
        env=os.environ | {name: value},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode != 0
    assert said in ended.stderr.splitlines()[-1]
