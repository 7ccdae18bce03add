"""Runs the demo: a world, and the processes of the Procfile, until stopped or, with --check, until checked."""

import argparse
import contextlib
import fcntl
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import redis
from environment import LOCAL, ROOT, configured
from scratch import create_database, drop_databases, forget_keys, scratch
from servers import ServerError
from services import MIGRATED, Lock, Services, session, supervised

PROCESSES = ["gateway", "web", "worker", "beat"]
# Often enough to watch, and to have the days behind fetched within the first minute.
PACE = {"FETCH_INTERVAL_MINUTES": "0.5", "FINDMY_REQUESTS_PER_ACCOUNT_PER_HOUR": "3600"}


def say(message: str) -> None:
    print(message, file=sys.stderr, flush=True)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        allow_abbrev=False, prog="bin/demo", description="Run Glimpse on a demo world until Ctrl-C."
    )
    parser.add_argument("--reset", action="store_true", help="forget the demo's data and start afresh")
    parser.add_argument(
        "--check",
        action="store_true",
        help="run in a world of its own until every tracker arrived; one JSON line, exit 0 or 1",
    )
    parser.add_argument(
        "--port", type=int, default=8000, help="first port to try for the web (default: 8000)"
    )
    return parser.parse_args()


def demo_environ(options: argparse.Namespace, directory: Path) -> dict[str, str]:
    paces = {name: value for name, value in PACE.items() if not configured(name)}
    return paces | {
        "DEMO_DIR": str(directory),
        "DEMO_PLAN": str(directory / "plan.json"),
        "WEB_PORT": str(options.port),
        "GATEWAY_PORT": "6176",
        "PORT": str(options.port),  # else honcho would make one up
        "DATABASE_POOL": "false",
        "SIMULATION": "true",
        # Never Apple, whatever .env says: with-gateway puts the local gateway here.
        "FINDMY_URL": "http://127.0.0.1:9/",
        "FINDMY_ANISETTE_URL": "http://127.0.0.1:9/",
        "FINDMY_PROTOCOL": "v2",
        "FINDMY_ACCOUNTS": "demo:demo-dsid:demo-token",
    }


@contextlib.contextmanager
def world(options: argparse.Namespace, services: Services) -> Iterator[tuple[Path, dict[str, str]]]:
    """The directory and the environment of the demo, or of a check with everything of its own."""
    if options.check:
        with scratch(services, "check", create=True) as mine:
            directory = LOCAL / "check" / str(mine.run_id)
            shutil.rmtree(directory, ignore_errors=True)
            directory.mkdir(parents=True)
            yield directory, mine.environ
        return
    directory = LOCAL / "demo"
    directory.mkdir(exist_ok=True)
    with Lock("demo.lock") as lock:
        if not lock.take(fcntl.LOCK_EX | fcntl.LOCK_NB):
            raise ServerError("The demo of this checkout runs already.")
        if options.reset:
            reset(services)
        yield directory, services.environ()


def reset(services: Services) -> None:
    if not services.postgres or not services.redis:
        raise ServerError(
            "--reset is for the private servers; yours (DATABASE_URL, REDIS_URL) are left alone."
        )
    drop_databases(services.postgres.url(), ["glimpse"])
    create_database(services.postgres.url(), "glimpse")
    forget_keys(services.redis.url(), "", whole_database=True)
    MIGRATED.unlink(missing_ok=True)


class Demo:
    def __init__(
        self, options: argparse.Namespace, directory: Path, environ: dict[str, str], users: Lock
    ) -> None:
        self.options, self.directory, self.environ, self.users = options, directory, environ, users

    def run(self, *command: str, stdout=None) -> int:
        return supervised(list(command), self.environ, self.users, stdout=stdout)

    def manage(self, *command: str) -> int:
        return self.run("python", str(ROOT / "manage.py"), *command, stdout=sys.stderr)

    def prepare(self) -> int:
        for name in ("gateway.port", "web.port", "result.json"):
            (self.directory / name).unlink(missing_ok=True)
        steps = [("migrate", "-v0"), ("load_places",), ("load_demo_world",)]
        if (self.environ.get("DEBUG") or configured("DEBUG")).lower() not in ("true", "on", "yes", "1"):
            steps.append(("collectstatic", "--noinput", "-v0"))
        return next((code for step in steps if (code := self.manage(*step))), 0)

    def serve(self) -> int:
        return self._honcho("ready", stdout=sys.stderr)

    def check(self) -> int:
        """The checker's JSON line on stdout and its exit code; a process that ends early is a failure."""
        (LOCAL / "log").mkdir(exist_ok=True)
        log = LOCAL / "log" / f"check-{self.directory.name}.log"
        say(f"The processes write to {log}")
        with log.open("w") as file:
            code = self._honcho("check", stdout=file)
        result = self.directory / "result.json"
        line = result.read_text().strip() if result.exists() else ""
        if line:
            print(line, flush=True)
        else:
            say("".join(log.open().readlines()[-40:]) + "\nNo result: one of the processes ended; see above.")
        return 1 if code or not line else 0

    def _honcho(self, last: str, stdout) -> int:
        command = ["honcho", "-e", os.devnull, "start", *PROCESSES, last]
        # It can hang when its output is gone, as after Ctrl-C in `bin/demo | tee log`.
        return supervised(command, self.environ, self.users, stdout=stdout, insist=True)


def main() -> int:
    options = arguments()
    LOCAL.mkdir(exist_ok=True)
    os.chdir(ROOT)
    with session() as (services, users), world(options, services) as (directory, environ):
        demo = Demo(options, directory, environ | demo_environ(options, directory), users)
        if code := demo.prepare():
            return code
        return demo.check() if options.check else demo.serve()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (ServerError, psycopg.Error, redis.RedisError) as error:
        say(f"bin/demo: {error}")
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
