"""Runs a command on a PostgreSQL database and Redis keys of its own, gone when it ends.

On the private servers a run takes the first free slot, a lock that the kernel frees however the run ends;
what a killed run left in a slot is removed by the next one that takes it. On servers from outside the
process id tells runs apart, and nothing is removed but what this run made.
"""

import argparse
import contextlib
import fcntl
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit, urlunsplit

import environ as django_environ
import psycopg
import redis
from environment import LOCAL, ROOT, configured
from psycopg import sql
from servers import ServerError
from services import Lock, Services, session, supervised

KINDS = {"test": "test_glimpse", "check": "glimpse_check", "bench": "glimpse_bench"}


@dataclass(frozen=True)
class Scratch:
    run_id: int
    database: str
    environ: dict[str, str] = field(repr=False)


@contextlib.contextmanager
def scratch(services: Services, kind: str, *, create: bool) -> Iterator[Scratch]:
    """With `create`, DATABASE_URL is a new, empty database; without, TEST_DATABASE names one to be made."""
    base = {**os.environ, **services.environ()}
    admin_url = base.get("DATABASE_URL") or configured("DATABASE_URL")
    redis_url = base.get("REDIS_URL") or configured("REDIS_URL")
    with _run_id(services) as run_id:
        name, prefix = f"{KINDS[kind]}_{run_id}", f"glimpse_{kind}_{run_id}:"
        environ = {**services.environ(), "REDIS_PREFIX": prefix, "SIMULATION": "true"}
        if create:
            environ["DATABASE_URL"] = _with_database(admin_url, name)
        else:
            environ["TEST_DATABASE"] = name
        if services.redis:
            environ["REDIS_URL"] = redis_url = services.redis.url(database=run_id)
        leftovers = _slot_databases(run_id) if services.postgres else [name]
        try:
            drop_databases(admin_url, leftovers)
            forget_keys(redis_url, prefix, whole_database=bool(services.redis))
            if create:
                create_database(admin_url, name)
            yield Scratch(run_id, name, environ)
        finally:
            drop_databases(admin_url, leftovers)
            forget_keys(redis_url, prefix, whole_database=bool(services.redis))


@contextlib.contextmanager
def _run_id(services: Services) -> Iterator[int]:
    if not services.postgres and not services.redis:
        yield os.getpid()
        return
    (LOCAL / "scratch").mkdir(exist_ok=True)
    for slot in range(1, 256):
        with Lock(f"scratch/{slot}.lock") as lock:
            if lock.take(fcntl.LOCK_EX | fcntl.LOCK_NB):
                yield slot
                return
    raise ServerError("255 scratch runs at once are too many.")


def _slot_databases(slot: int) -> list[str]:
    return [f"{prefix}_{slot}" for prefix in KINDS.values()]


def _with_database(url: str, name: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(path=f"{parts.path.rsplit('/', 1)[0]}/{name}"))


def _connect(url: str) -> psycopg.Connection:
    """To the maintenance database: one cannot drop the database that one is connected to."""
    config = django_environ.Env.db_url_config(url)
    parameters = {
        "host": config["HOST"],
        "port": config["PORT"],
        "user": config["USER"],
        "password": config["PASSWORD"],
    }
    given = {name: value for name, value in parameters.items() if value} | config.get("OPTIONS", {})
    return psycopg.connect(dbname="postgres", autocommit=True, **given)


def create_database(url: str, name: str) -> None:
    with _connect(url) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))


def drop_databases(url: str, names: list[str]) -> None:
    """The databases and, as pytest-xdist makes them, one for each of its workers."""
    with _connect(url) as connection:
        found = connection.execute(
            "SELECT datname FROM pg_database WHERE regexp_replace(datname, '_gw[0-9]+$', '') = ANY(%s)",
            [names],
        )
        for (name,) in found.fetchall():
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def forget_keys(url: str, prefix: str, *, whole_database: bool) -> None:
    with contextlib.closing(redis.Redis.from_url(url)) as client:
        if whole_database:
            client.flushdb()
        else:
            for key in client.scan_iter(match=f"{prefix}*", count=1000):
                client.unlink(key)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="scratch")
    parser.add_argument("kind", choices=KINDS)
    parser.add_argument("--migrate", action="store_true", help="create the database and bring it up to date")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    options = parser.parse_args(arguments)
    with session() as (services, users), scratch(services, options.kind, create=options.migrate) as mine:
        if options.migrate:
            code = supervised(
                ["python", str(ROOT / "manage.py"), "migrate", "-v0"], mine.environ, users, stdout=sys.stderr
            )
            if code:
                return code
        return supervised(options.command, mine.environ, users)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except (ServerError, psycopg.Error, redis.RedisError) as error:
        print(f"{os.path.basename(sys.argv[0])}: {error}", file=sys.stderr)
        sys.exit(1)
