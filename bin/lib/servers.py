"""The private PostgreSQL and Redis: where they live, starting and stopping them.

Both listen on Unix sockets only. Callers hold the start lock (see services.py).
"""

import contextlib
import hashlib
import os
import pwd
import re
import shutil
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from environment import LOCAL, ROOT

MIB = 1024 * 1024
SOCKET_PATH_LIMIT = 100  # bytes; the kernel's is 107, with the terminating zero


class ServerError(Exception):
    """A server cannot be provided; the message says what to do."""


def say(message: str) -> None:
    print(message, file=sys.stderr, flush=True)


@dataclass(frozen=True)
class Account:
    """Who a server runs as: a package's user when we are root, else ourselves."""

    uid: int
    gid: int

    @classmethod
    def find(cls, name: str) -> "Account":
        if os.getuid() != 0:
            return cls(os.getuid(), os.getgid())
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            raise ServerError(f"The user {name!r}, which the Debian package makes, is missing.") from None
        return cls(entry.pw_uid, entry.pw_gid)

    def run(self, command: list[str | Path], cwd: Path, **options) -> subprocess.CompletedProcess:
        if os.getuid() == 0:
            options |= {"user": self.uid, "group": self.gid, "extra_groups": []}
        options.setdefault("input", "")
        return subprocess.run([str(part) for part in command], cwd=cwd, text=True, check=False, **options)

    def can_enter(self, directory: Path) -> bool:
        return self.run(["test", "-x", directory], cwd=Path("/")).returncode == 0

    def make_directory(self, path: Path) -> Path:
        """A directory that only this account and root can enter, safe also below a shared /var/tmp."""
        with contextlib.suppress(FileExistsError):
            path.mkdir(0o700)
            if os.getuid() == 0:
                os.chown(path, self.uid, self.gid)
        status = path.lstat()
        if status.st_uid != self.uid or path.is_symlink() or not path.is_dir():
            raise ServerError(f"{path} belongs to another user. Use that user, or remove it.")
        path.chmod(0o700)
        return path


def home(name: str, account: Account) -> Path:
    """The server's directory: `.local/NAME`, or a link from there when its account cannot get that far."""
    link = LOCAL / name
    if link.is_dir() and not link.is_symlink() and account.can_enter(link):
        return account.make_directory(link)
    if account.can_enter(LOCAL):
        link.unlink(missing_ok=True)
        return account.make_directory(link)
    target = _outside(name)
    if not link.is_symlink() or link.readlink() != target:
        link.unlink(missing_ok=True)
        link.symlink_to(target)
        say(f"{LOCAL} is closed to the user that runs {name}: its data is in {target}")
    return account.make_directory(target)


def socket_directory(name: str, account: Account, base: Path, file: str) -> Path:
    """A path that fits into a socket address, and that needs no quoting in a URL."""
    inside = base / "run"
    if len(os.fsencode(inside / file)) > SOCKET_PATH_LIMIT or not re.fullmatch(
        r"[\w./-]+", str(inside), re.ASCII
    ):
        inside = _outside(f"{name}-run")
    return account.make_directory(inside)


def _outside(name: str) -> Path:
    key = hashlib.sha256(f"{os.getuid()}:{ROOT}".encode(errors="surrogateescape")).hexdigest()[:12]
    return Path("/var/tmp") / f"glimpse-{key}-{name}"  # noqa: S108 (make_directory checks its owner)


def listens(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as client:
        return client.connect_ex(str(path)) == 0


class Postgres:
    def __init__(self) -> None:
        self.account = Account.find("postgres")
        self.home = home("postgres", self.account)
        self.data = self.home / "data"
        self.sockets = socket_directory("postgres", self.account, self.home, ".s.PGSQL.5432")
        self.log = self.home / "server.log"

    def url(self, database: str = "glimpse") -> str:
        # The doubled slash is how django-environ tells a socket directory from a host name.
        return f"postgis://glimpse@/{self.sockets}/{database}"

    def is_up(self) -> bool:
        return listens(self.sockets / ".s.PGSQL.5432")

    def start(self) -> None:
        binaries = self._binaries()
        if not (self.data / "PG_VERSION").exists():
            self._create(binaries)
        self._drop_foreign_pid_files()
        options = " ".join(f"-c {name}={value}" for name, value in self._settings().items())
        command = [
            binaries / "pg_ctl",
            "start",
            "-D",
            self.data,
            "-l",
            self.log,
            "-w",
            "-t",
            "120",
            "-s",
            "-o",
            options,
        ]
        for _ in range(5):
            if self.account.run(command, cwd=self.home, stdout=subprocess.DEVNULL).returncode == 0:
                break
            time.sleep(1)  # the last backends of a killed server may still hold its shared memory
        else:
            raise ServerError(f"PostgreSQL does not start; {self.log} says why.")

    def stop(self) -> None:
        if not (self.data / "postmaster.pid").exists():
            return
        self.account.run(
            [self._binaries() / "pg_ctl", "stop", "-D", self.data, "-m", "fast", "-w", "-t", "120", "-s"],
            cwd=self.home,
            stdout=subprocess.DEVNULL,
        )

    def _binaries(self) -> Path:
        """The newest PostgreSQL with PostGIS or, once there is data, the one that made it."""
        versions = sorted(
            int(control.parts[-3])
            for control in Path("/usr/share/postgresql").glob("*/extension/postgis.control")
            if control.parts[-3].isdigit()
            and (Path("/usr/lib/postgresql") / control.parts[-3] / "bin/postgres").exists()
        )
        with contextlib.suppress(FileNotFoundError):
            made_by = int((self.data / "PG_VERSION").read_text())
            if made_by not in versions:
                raise ServerError(
                    f"{self.data} was made by PostgreSQL {made_by}, which is gone. "
                    f"Install postgresql-{made_by}-postgis-3, or remove the directory."
                )
            return Path(f"/usr/lib/postgresql/{made_by}/bin")
        if not versions or versions[-1] < 14:
            raise ServerError("PostgreSQL 14 or later with PostGIS is needed (package postgresql-postgis).")
        return Path(f"/usr/lib/postgresql/{versions[-1]}/bin")

    def _create(self, binaries: Path) -> None:
        say(f"Creating a private PostgreSQL cluster in {self.home} ...")
        unfinished = self.home / "data.new"
        shutil.rmtree(unfinished, ignore_errors=True)
        # "trust" reaches as far as the socket's directory: this account and root.
        done = self.account.run(
            [
                binaries / "initdb",
                "-D",
                unfinished,
                "-U",
                "glimpse",
                "--locale=C.UTF-8",
                "--encoding=UTF8",
                "--auth-local=trust",
                "--auth-host=reject",
            ],
            cwd=self.home,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        if done.returncode == 0:
            done = self.account.run(
                [binaries / "postgres", "--single", "-D", unfinished, "postgres"],
                cwd=self.home,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                input="CREATE DATABASE glimpse\n",
            )
        if done.returncode != 0:
            raise ServerError(f"The cluster cannot be made:\n{done.stdout}")
        unfinished.rename(self.data)

    def _drop_foreign_pid_files(self) -> None:
        """Remove files whose pid now belongs to another program, as after a reboot or a copy.

        A dead pid is PostgreSQL's own to deal with; a living stranger, or a killed server that nobody waited
        for, would stop it from starting.
        """
        for pid_file in (self.data / "postmaster.pid", self.sockets / ".s.PGSQL.5432.lock"):
            with contextlib.suppress(FileNotFoundError, ValueError, IndexError):
                pid = int(pid_file.read_text().split()[0])
                command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
                if os.fsencode(self.data) not in command:
                    pid_file.unlink()

    def _settings(self) -> dict[str, str]:
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // MIB
        return {
            "listen_addresses": "''",
            "unix_socket_directories": str(self.sockets),
            "port": "5432",  # names the socket, no TCP port
            "shared_buffers": f"{min(1024, memory // 4)}MB",
            "effective_cache_size": f"{memory // 2}MB",
            "work_mem": "32MB",
            "maintenance_work_mem": "256MB",
            "max_connections": "100",
            "max_wal_size": "4GB",
            "max_locks_per_transaction": "256",  # a query over all partitions locks each of them
            "random_page_cost": "1.1",
            "jit": "off",
            "timezone": "UTC",
            "log_timezone": "UTC",
        }


class Redis:
    def __init__(self) -> None:
        self.account = Account.find("redis")
        self.home = home("redis", self.account)
        self.socket = socket_directory("redis", self.account, self.home, "redis.sock") / "redis.sock"
        self.log = self.home / "server.log"

    def url(self, database: int = 0) -> str:
        return f"unix://{self.socket}?db={database}"

    def is_up(self) -> bool:
        return listens(self.socket)

    def start(self) -> None:
        """In memory only: PostgreSQL is the truth, and what Redis holds is rebuilt from it."""
        settings = {
            "port": "0", "unixsocket": self.socket, "unixsocketperm": "700", "daemonize": "yes",
            "dir": self.home, "pidfile": self.home / "redis.pid", "logfile": self.log, "databases": "256",
            "save": "", "appendonly": "no", "maxmemory-policy": "noeviction",
        }  # fmt: skip
        arguments = [part for name, value in settings.items() for part in (f"--{name}", value)]
        self.account.run(["redis-server", *arguments], cwd=self.home, stdout=subprocess.DEVNULL)
        if not wait_until(self.is_up):
            raise ServerError(f"Redis does not start; {self.log} says why.")

    def stop(self) -> None:
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as client:
            client.connect(str(self.socket))
            client.sendall(b"SHUTDOWN NOSAVE\r\n")
            client.recv(100)  # ends with the process
        wait_until(lambda: not (self.home / "redis.pid").exists(), seconds=2)


def wait_until(condition, seconds: float = 10) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True
