"""Runs commands beside the private servers, which live as long as somebody uses them.

Each user holds a shared lock on `users.lock`, and so does the command it runs. The keeper, a process of its
own, waits for the exclusive lock: it gets it when the last user is gone, killed or not, and stops the
servers. Whoever starts or leaves holds `start.lock` while doing so.
"""

import contextlib
import ctypes
import fcntl
import hashlib
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import servers
from environment import LOCAL, ROOT, VENV, configured, development_defaults, with_venv

KEEP = LOCAL / "keep"
MIGRATED = LOCAL / "migrated"
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
SI_KERNEL = 0x80  # a signal from the terminal, which the command got as well
PATIENCE_S = 7  # honcho's own is 5
LIBC = ctypes.CDLL(None)
WATCHED = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGCHLD}


class Lock:
    """A file lock that the kernel gives back however its holder ends."""

    def __init__(self, name: str) -> None:
        self.fd = os.open(LOCAL / name, os.O_CREAT | os.O_RDWR, 0o600)

    def take(self, mode: int = fcntl.LOCK_EX) -> bool:
        try:
            fcntl.flock(self.fd, mode)
        except BlockingIOError:
            return False
        return True

    def close(self) -> None:
        os.close(self.fd)

    def __enter__(self) -> "Lock":
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()


class Services:
    """The servers that this checkout needs: none that is configured to be elsewhere."""

    def __init__(self) -> None:
        self.postgres = None if configured("DATABASE_URL") else servers.Postgres()
        self.redis = None if configured("REDIS_URL") else servers.Redis()
        self.all = [server for server in (self.postgres, self.redis) if server]

    def environ(self) -> dict[str, str]:
        environ = development_defaults()
        if self.postgres:
            environ["DATABASE_URL"] = self.postgres.url()
        if self.redis:
            environ["REDIS_URL"] = self.redis.url()
        return environ

    def start(self) -> None:
        for server in self.all:
            if not server.is_up():
                server.start()
        if self.all and not keeper_lives():
            _spawn_keeper()

    def stop(self) -> None:
        for server in self.all:
            server.stop()


@contextlib.contextmanager
def session() -> Iterator[tuple[Services, Lock]]:
    """The servers, up, until the block ends, and the lock that says so."""
    _adopt_orphans()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the blocks below end in order
    users = Lock("users.lock")
    with Lock("start.lock") as start:
        start.take()
        services = Services()
        users.take(fcntl.LOCK_SH)
        services.start()
    try:
        yield services, users
    finally:
        users.close()
        _leave(services)


def _leave(services: Services) -> None:
    """Wait until the servers are down if that was their last user."""
    if not services.all or KEEP.exists():
        return
    with Lock("start.lock") as start, Lock("users.lock") as users:
        start.take()
        if users.take(fcntl.LOCK_EX | fcntl.LOCK_NB):
            if not keeper_lives():
                services.stop()
        elif users.take(fcntl.LOCK_SH | fcntl.LOCK_NB):
            return  # others use them
        # The keeper's turn, and nobody can come in between.
        fcntl.flock(users.fd, fcntl.LOCK_UN)
        with Lock("keeper.lock") as keeper:
            keeper.take()
    servers.wait_until(lambda: not _reap(), seconds=2)


def keeper_lives() -> bool:
    with Lock("keeper.lock") as keeper:
        return not keeper.take(fcntl.LOCK_EX | fcntl.LOCK_NB)


def _spawn_keeper() -> None:
    (LOCAL / "log").mkdir(exist_ok=True)
    with (LOCAL / "log" / "keeper.log").open("a") as log:
        subprocess.Popen(
            [VENV / "bin/python", __file__, "keep"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            cwd="/",
        )
    if not servers.wait_until(keeper_lives):
        raise servers.ServerError(f"The servers' keeper does not start; {LOCAL}/log/keeper.log says why.")


def keep() -> int:
    services = Services()
    with Lock("users.lock") as users, Lock("keeper.lock") as keeper:
        if not keeper.take(fcntl.LOCK_EX | fcntl.LOCK_NB):
            return 0
        while users.take() and KEEP.exists():
            fcntl.flock(users.fd, fcntl.LOCK_UN)
            time.sleep(0.2)
        services.stop()
    return 0


def run(command: list[str]) -> int:
    with session() as (services, users):
        return supervised(command, services.environ(), users)


def manage(arguments: list[str]) -> int:
    """Run manage.py, after bringing the private database up to date: every command finds its tables."""
    with session() as (services, users):
        if services.postgres and not {"migrate", "makemigrations"} & set(arguments[:1]):
            code = _migrate(services, users)
            if code:
                return code
        return supervised(["python", str(ROOT / "manage.py"), *arguments], services.environ(), users)


def _migrate(services: Services, users: Lock) -> int:
    """Migrate unless the migrations are those of the last time; one process at a time."""
    wanted = hashlib.sha256()
    for file in sorted(ROOT.glob("*/migrations/*.py")):
        wanted.update(file.name.encode() + file.read_bytes())
    with Lock("migrate.lock") as lock:
        lock.take()
        if MIGRATED.exists() and MIGRATED.read_text() == wanted.hexdigest():
            return 0
        command = ["python", str(ROOT / "manage.py"), "migrate", "-v0"]
        code = supervised(command, services.environ(), users, stdout=sys.stderr)
        if not code:
            MIGRATED.write_text(wanted.hexdigest())
        return code


def supervised(
    command: list[str],
    extra: dict[str, str],
    users: Lock,
    *,
    stdout: TextIO | None = None,
    insist: bool = False,
) -> int:
    """Run a command to its end, passing signals on, and leave none of its processes behind.

    With `insist`, a command that was told to end and doesn't is ended, with all below it.
    """
    servers_and_keeper = _children()
    watched = WATCHED if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN else WATCHED - {signal.SIGHUP}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, watched)

    def prepare() -> None:
        LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)

    try:
        child = subprocess.Popen(
            command,
            env=with_venv({**os.environ, **extra}),
            pass_fds=[users.fd],
            preexec_fn=prepare,
            stdout=stdout,
        )
        _watch(child, watched, servers_and_keeper, insist=insist)
    except FileNotFoundError:
        print(f"{command[0]}: not found", file=sys.stderr)
        return 127
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    _end_orphans(spare=servers_and_keeper)
    return child.returncode if child.returncode >= 0 else 128 - child.returncode


def _watch(child: subprocess.Popen, watched: set[signal.Signals], spare: set[int], *, insist: bool) -> None:
    told_at = None
    while child.poll() is None:
        received = signal.sigtimedwait(watched, 1)
        if received and received.si_signo != signal.SIGCHLD:
            told_at = told_at or time.monotonic()
            _pass_on(received, child)
        if insist and told_at and time.monotonic() > told_at + PATIENCE_S:
            late = time.monotonic() > told_at + 2 * PATIENCE_S
            _signal(_below_us(spare), signal.SIGKILL if late else signal.SIGTERM)


def _pass_on(received: signal.struct_siginfo, child: subprocess.Popen) -> None:
    """A lost terminal comes as TERM: programs end in order on that, and seldom on HUP."""
    if received.si_signo == signal.SIGHUP:
        child.terminate()
    elif received.si_code != SI_KERNEL:
        child.send_signal(received.si_signo)


def _adopt_orphans() -> None:
    """Become the parent of every process below us whose own parent ends: what we leave can be ended, and
    the servers that we start are waited for even where the machine's first process doesn't do that."""
    LIBC.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _end_orphans(spare: set[int]) -> None:
    """End what the command left running, and what that leaves in turn."""
    deadline = time.monotonic() + PATIENCE_S
    asked: set[int] = set()
    while _reap() - spare:
        orphans = _below_us(spare)
        late = time.monotonic() > deadline
        _signal(orphans if late else orphans - asked, signal.SIGKILL if late else signal.SIGTERM)
        asked |= orphans
        time.sleep(0.02)


def _signal(pids: set[int], number: signal.Signals) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def _reap() -> set[int]:
    """The children that are left once those that ended are waited for."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    return _children()


def _below_us(spare: set[int]) -> set[int]:
    """Our children, but for the servers, and all that is below them."""
    found: set[int] = set()
    new = _children() - spare
    while new:
        found |= new
        new = {child for pid in new for child in _children(pid)} - found
    return found


def _children(pid: int | str = "self") -> set[int]:
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        lists = list(Path(f"/proc/{pid}/task").glob("*/children"))
        return {int(child) for file in lists for child in file.read_text().split()}
    return set()


def start() -> int:
    KEEP.touch()
    with session() as (services, _):
        return report(services)


def stop() -> int:
    KEEP.unlink(missing_ok=True)
    with session():
        pass
    return report(Services())


def print_environ() -> int:
    for name, value in Services().environ().items():
        print(f"export {name}={shlex.quote(value)}")
    return 0


ACTIONS = {
    "start": start,
    "stop": stop,
    "status": lambda: report(Services()),
    "env": print_environ,
    "keep": keep,
}


def main(arguments: list[str]) -> int:
    LOCAL.mkdir(exist_ok=True)
    match arguments:
        case ["run", *command] if command:
            return run(command)
        case ["manage", *rest]:
            return manage(rest)
        case [action] if action in ACTIONS:
            return ACTIONS[action]()
    print(
        "usage: bin/services start | stop | status | env | run COMMAND... | manage ARGUMENTS...",
        file=sys.stderr,
    )
    return 2


def report(services: Services) -> int:
    for server in services.all:
        print(f"{type(server).__name__}: {'up' if server.is_up() else 'down'}, {server.url()}")
    for name in ("DATABASE_URL", "REDIS_URL"):
        if configured(name):
            print(f"{name} is configured: not ours to start or stop")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except servers.ServerError as error:
        print(f"bin/services: {error}", file=sys.stderr)
        sys.exit(1)
