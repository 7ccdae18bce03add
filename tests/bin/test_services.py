"""The private servers live exactly as long as somebody uses them."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

BIN = Path(__file__).resolve().parents[2] / "bin"
pytestmark = pytest.mark.skipif(
    not list(Path("/usr/share/postgresql").glob("*/extension/postgis.control"))
    or not shutil.which("redis-server"),
    reason="needs PostgreSQL with PostGIS and Redis on this machine",
)


class Checkout:
    """A checkout of its own, with nothing but the scripts."""

    def __init__(self, root: Path) -> None:
        shutil.copytree(BIN, root / "bin")
        (root / ".venv").symlink_to(sys.prefix)
        self.root = root
        elsewhere = ("DATABASE_URL", "REDIS_URL", "SECRET_KEY", "VAULT_MASTER_KEYS", "DEBUG")
        self.environ = {name: value for name, value in os.environ.items() if name not in elsewhere}

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, str(self.root / "bin/lib/services.py"), *arguments]

    def call(self, *arguments: str) -> str:
        return subprocess.run(
            self.command(*arguments), env=self.environ, check=True, capture_output=True, text=True
        ).stdout

    def use(self) -> subprocess.Popen[str]:
        """A command that says that it runs, then lasts."""
        user = subprocess.Popen(
            self.command("run", "sh", "-c", "echo runs; exec sleep 60"),
            env=self.environ, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert user.stdout
        assert user.stdout.readline() == "runs\n"
        user.stdout.close()
        return user

    def servers_up(self) -> list[str]:
        return [line.split()[1].rstrip(",") for line in self.call("status").splitlines()]


@pytest.fixture
def checkout(tmp_path: Path) -> Iterator[Checkout]:
    checkout = Checkout(tmp_path / "checkout")
    try:
        yield checkout
        checkout.call("stop")
    finally:  # root's temporary directory is closed to the servers' users: their data is elsewhere
        for link in (tmp_path / "checkout/.local").iterdir():
            if link.is_symlink():
                shutil.rmtree(link.resolve())


def test_servers_stay_for_the_other_user_and_go_with_the_last_even_if_killed(checkout: Checkout) -> None:
    first, second = checkout.use(), checkout.use()
    first.send_signal(signal.SIGTERM)
    first.wait(30)
    assert checkout.servers_up() == ["up", "up"]

    second.kill()
    second.wait(30)
    deadline = time.monotonic() + 30
    while checkout.servers_up() != ["down", "down"] and time.monotonic() < deadline:
        time.sleep(0.1)
    assert checkout.servers_up() == ["down", "down"]


def test_started_servers_outlast_their_users_and_a_killed_one_comes_back(checkout: Checkout) -> None:
    checkout.call("start")
    postgres = int((checkout.root / ".local/postgres/data/postmaster.pid").read_text().split()[0])
    os.kill(postgres, signal.SIGKILL)

    found = checkout.call("run", "sh", "-c", 'echo "$DATABASE_URL $REDIS_URL"')

    assert found.startswith("postgis://glimpse@//")
    assert "unix:///" in found
    assert checkout.servers_up() == ["up", "up"]


def test_a_command_gives_its_exit_code_and_leaves_no_process(checkout: Checkout) -> None:
    leaver = checkout.command("run", "sh", "-c", "setsid sleep 4711 & echo $!; exit 7")
    done = subprocess.run(leaver, env=checkout.environ, check=False, capture_output=True, text=True)
    assert done.returncode == 7
    assert not Path(f"/proc/{done.stdout.strip()}").exists()
