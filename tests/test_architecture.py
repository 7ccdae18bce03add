"""The shape of the code: what import-linter can't see, and what keeps a file easy to find and to read.

docs/architecture.md gives the reasons. A test that fails here names the place and the rule.
"""

import ast
import re
import subprocess
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest
from django.apps import apps
from django.contrib import admin
from django.db import models

from foundation.admin.served import ServedAdmin

ROOT = Path(__file__).resolve().parents[1]
# From the bottom up: an app knows only those before it.
LAYERS = (
    "foundation",
    "clients",
    "outbox",
    "locations",
    "trackers",
    "keys",
    "orders",
    "ingestion",
    "ops",
    "simulation",
    "config",
)
OUR_APPS = LAYERS[:-1]
# Within an app, from the bottom up.
ROLES = {"models": 0, "selectors": 1, "services": 2, "tasks": 3, "pages": 3, "api": 4, "admin": 4}

MAX_FILE_LINES = 500
MAX_FUNCTION_LINES = 60
MAX_TASK_LINES = 10

MEANINGLESS = {
    "core",
    "common",
    "util",
    "utils",
    "helper",
    "helpers",
    "misc",
    "lib",
    "shared",
    "stuff",
    "tools",
}
VOCABULARY = {
    "__init__",
    "models",
    "selectors",
    "services",
    "tasks",
    "admin",
    "api",
    "apps",
    "checks",
    "errors",
}
API_VOCABULARY = {"__init__", "serializers", "filters", "views", "urls"}

# These hand the clock over; models name it as the default of a field.
SHELLS = {"admin", "api", "management", "models", "tasks"}

CLOCKS = {
    "django.db.models.functions.Now",
    "django.utils.timezone.localdate",
    "django.utils.timezone.localtime",
    "django.utils.timezone.now",
    "datetime.date.today",
    "datetime.datetime.now",
    "datetime.datetime.today",
    "datetime.datetime.utcnow",
    *(f"time.{name}" for name in ("gmtime", "localtime", "monotonic", "monotonic_ns", "perf_counter")),
    *(f"time.{name}" for name in ("perf_counter_ns", "process_time", "thread_time", "time", "time_ns")),
}

# Built from parts, so that this file does not find itself.
SECRETS = {
    "a private key": r"-----BEGIN (?:[A-Z]+ )*PRIVATE" + r" KEY-----",
    "an AWS key": r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b",
    "a GitHub token": r"\b(?:gh[pousr]_[A-Za-z0-9]{36}|github_pat_\w{60,})",
    "a Slack token": r"\bxox[abprs]-[A-Za-z0-9-]{10,}",
    "a Google key": r"\bAIza[\w-]{35}\b",
    "a Stripe key": r"\b[rs]k_live_[A-Za-z0-9]{20,}",
    "a JSON web token": r"\beyJ[\w-]{15,}\.eyJ[\w-]{15,}\.[\w-]{15,}",
    "a password in a URL": r"\b(?:postgis|postgres(?:ql)?|rediss?|https?)://[\w.-]+:[^\s@/$<{]{6,}@[\w.-]+",
}
SECRET = re.compile("|".join(f"(?P<s{i}>{pattern})" for i, pattern in enumerate(SECRETS.values())))
LARGEST_SCANNED = 1_000_000


class Module(NamedTuple):
    path: Path
    tree: ast.Module
    lines: int

    @property
    def place(self) -> Path:
        return self.path.relative_to(ROOT)

    @property
    def app(self) -> str:
        return self.place.parts[0]

    @property
    def name(self) -> str:
        """What the file is within its app: `models` also for each file of a package `models`."""
        return Path(self.place.parts[1]).stem

    def functions(self) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
        for node in ast.walk(self.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield node


@cache
def modules() -> tuple[Module, ...]:
    found = []
    for app in LAYERS:
        for path in sorted((ROOT / app).rglob("*.py")):
            if "migrations" not in path.parts:
                text = path.read_text()
                found.append(Module(path, ast.parse(text), text.count("\n")))
    return tuple(found)


def in_role(role: str) -> list[Module]:
    return [module for module in modules() if module.app in OUR_APPS and module.name == role]


def length(node: ast.AST) -> int:
    return node.end_lineno - node.lineno + 1


def our_models() -> list[type[models.Model]]:
    """Also the tables behind many-to-many relations."""
    every = apps.get_models(include_auto_created=True)
    return [model for model in every if model._meta.app_label in OUR_APPS]


@pytest.mark.parametrize("model", our_models(), ids=lambda model: model._meta.label)
def test_no_foreign_key_points_upwards(model: type[models.Model]) -> None:
    """A string such as "orders.Order" is no import: import-linter does not see it."""
    own = LAYERS.index(model._meta.app_label)
    for field in model._meta.get_fields():
        if field.is_relation and not field.auto_created and field.related_model:
            target = field.related_model._meta.app_label
            assert target not in LAYERS[own + 1 :], f"{field} points up to {target}"


def test_nothing_below_ingestion_reaches_a_key_pair() -> None:
    """Neither by a foreign key nor by the way back of one."""
    for model in our_models():
        if model._meta.app_label in ("keys", "ingestion"):
            continue
        for field in model._meta.get_fields():
            related = field.related_model._meta.app_label if field.is_relation and field.related_model else ""
            hidden = field.auto_created and field.hidden
            assert related != "keys" or hidden, f"{model._meta.label}.{field.name} leads to the keys"


def test_layers_are_those_of_the_import_contract() -> None:
    contract = re.search(r'type = "layers"\nlayers = \[(.+)\]', (ROOT / "pyproject.toml").read_text())
    assert contract
    assert re.findall(r"\w+", contract[1]) == list(reversed(LAYERS))


def test_every_app_of_ours_is_a_layer() -> None:
    """So that what walks LAYERS, here and in the contracts, misses no app that is new."""
    ours = {config.name for config in apps.get_app_configs() if Path(config.path).parent == ROOT}
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests"}
    assert ours <= set(LAYERS)
    assert packages == set(LAYERS)
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]
    assert set(settings["importlinter"]["root_packages"]) == packages
    assert set(settings["mypy"]["files"]) == packages
    assert set(settings["coverage"]["run"]["source"]) == packages


def pure_by_contract() -> tuple[str, ...]:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (names,) = [each["source_modules"] for each in contracts if each["name"].startswith("Pure modules")]
    return tuple(names)


def dotted(module: Module) -> str:
    return ".".join(module.place.with_suffix("").parts).removesuffix(".__init__")


def test_who_calls_itself_pure_is_held_to_it() -> None:
    """A module that says "Pure" in its docstring is under the import contract, and asks for no time."""
    covered = pure_by_contract()
    for module in modules():
        name = dotted(module)
        is_covered = any(name == pure or name.startswith(f"{pure}.") for pure in covered)
        says_so = re.search(r"\bPure\b", ast.get_docstring(module.tree) or "")
        assert is_covered or not says_so, f"{module.place}: add it to the contract of pure modules"
        if is_covered:
            found = sorted(clocks_of_the_machine(module.tree))
            assert not found, f"{module.place} calls itself pure and asks for the time: {', '.join(found)}"


def clocks_of_the_machine(tree: ast.Module) -> set[str]:
    """Which of CLOCKS a module names, under whichever name it imported them."""
    origins = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                top = alias.name.partition(".")[0]
                origins[alias.asname or top] = alias.name if alias.asname else top
        elif isinstance(node, ast.ImportFrom) and node.module:
            origins |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    named = set(origins.values())
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            base, _, rest = ast.unparse(node).partition(".")
            named.add(f"{origins.get(base, '')}.{rest}")
    return named & CLOCKS


def imported_modules(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("role", ROLES)
def test_each_role_imports_only_roles_below_it(role: str) -> None:
    """models, selectors, services, tasks, then api and admin: in an app and across apps."""
    for module in in_role(role):
        for name in imported_modules(module.tree):
            app, _, rest = name.partition(".")
            other = ROLES.get(rest.partition(".")[0], -1)
            assert app not in LAYERS or other <= ROLES[role], f"{module.place} imports {name}"


def test_no_name_says_nothing() -> None:
    named = {part for module in modules() for part in (*module.place.parts[:-1], module.path.stem)}
    assert not named & MEANINGLESS


def test_files_are_in_the_vocabulary_or_say_what_they_are() -> None:
    """A file has a name that everybody knows; a domain noun says in its docstring what it holds."""
    for module in modules():
        known = API_VOCABULARY if module.name == "api" else VOCABULARY
        if module.app in OUR_APPS and module.name != "models" and module.path.stem not in known:
            assert ast.get_docstring(module.tree), f"{module.place}: say in a docstring what it holds"


def test_files_are_short() -> None:
    long = {str(module.place): module.lines for module in modules() if module.lines > MAX_FILE_LINES}
    assert not long, f"at most {MAX_FILE_LINES} lines: split them by what they do"


def test_functions_are_short() -> None:
    long = {
        f"{module.place}:{node.name}": length(node)
        for module in modules()
        for node in module.functions()
        if length(node) > MAX_FUNCTION_LINES
    }
    assert not long, f"at most {MAX_FUNCTION_LINES} lines"


def test_tasks_are_shells() -> None:
    """Load, one call. They take unknown keyword arguments, so that a rolling deploy survives."""
    for module in in_role("tasks"):
        for node in module.functions():
            if any("shared_task" in ast.dump(decorator) for decorator in node.decorator_list):
                assert length(node) <= MAX_TASK_LINES, f"{module.place}:{node.name}"
                assert node.args.kwarg, f"{module.place}:{node.name} takes no unknown keyword arguments"


def test_public_services_say_what_they_do() -> None:
    silent = [
        f"{module.place}:{node.name}"
        for module in in_role("services")
        for node in module.tree.body
        if isinstance(node, ast.FunctionDef)
        and not node.name.startswith("_")
        and length(node) > 5
        and not ast.get_docstring(node)
    ]
    assert not silent


def test_only_shells_ask_what_time_it_is() -> None:
    """So every rule can be tested at any time; nor does anybody else measure by the machine's clock what it does."""
    for module in [
        it for it in modules() if it.app not in ("config", "simulation") and it.name not in SHELLS
    ]:
        found = sorted(clocks_of_the_machine(module.tree))
        assert not found, f"{module.place} asks for the time itself: {', '.join(found)}"


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("from django.utils import timezone\ntimezone.now()", {"django.utils.timezone.now"}),
        ("from django.utils import timezone as tz\nf(clock=tz.now)", {"django.utils.timezone.now"}),
        ("from django.utils.timezone import now as at", {"django.utils.timezone.now"}),
        ("from datetime import datetime as dt\ndt.now(UTC)", {"datetime.datetime.now"}),
        ("import datetime\ndatetime.date.today()", {"datetime.date.today"}),
        ("import time\nbegan = time.monotonic()", {"time.monotonic"}),
        ("from time import perf_counter", {"time.perf_counter"}),
        ("def f():\n    import time as t\n    return t.time()", {"time.time"}),
        ("from django.db.models.functions import Now", {"django.db.models.functions.Now"}),
        ("import time\ntime.sleep(1)", set()),
        ("from datetime import datetime, time\ndatetime.combine(day, time.min)", set()),
        ("def f(now):\n    return row.now, now.time()", set()),
    ],
)
def test_scan_finds_who_asks_the_machine_for_the_time(source: str, found: set[str]) -> None:
    assert clocks_of_the_machine(ast.parse(source)) == found


def test_api_starts_every_lookup_from_what_the_user_may_see() -> None:
    """`Model.objects.visible_to(user)`: anything else could show one client's rows to another."""
    for module in in_role("api"):
        for node in ast.walk(module.tree):
            match node:
                case ast.Attribute(
                    value=ast.Attribute(value=ast.Name(id=model), attr="objects"), attr=method
                ):
                    assert method == "visible_to", f"{module.place}: {model}.objects.{method}"


# Written by services alone, since something follows from each change.
SERVED = {"Client", "Brand", "ProductionRun", "Membership", "Location", "StorageLocation", "DeliveryLocation"}
WRITES = {"create", "update", "bulk_create", "bulk_update", "get_or_create", "update_or_create", "delete"}


def test_interfaces_write_tenants_and_locations_by_services_only() -> None:
    """No form, admin or API of theirs saves a row itself: what follows from a change would be lost."""
    for module in in_role("admin") + in_role("api"):
        for node in ast.walk(module.tree):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
                continue
            if module.app in ("clients", "locations", "trackers", "ops"):
                assert node.func.attr not in ("save", "save_m2m"), f"{module.place}:{node.lineno} saves a row"
            written = ast.unparse(node.func).split(".objects.")
            is_write = len(written) == 2 and node.func.attr in WRITES
            assert not (is_write and written[0] in SERVED), (
                f"{module.place}:{node.lineno} writes {written[0]}"
            )


def test_rules_of_forms_are_services() -> None:
    """A form of tenants or locations asks its service, and refuses by itself only what it can't read."""
    for module in in_role("admin"):
        if module.app in ("clients", "locations"):
            rules = [
                node.name
                for node in module.functions()
                if node.name.startswith("clean_") and node.name != "clean_area"
            ]
            assert not rules, f"{module.place}: move {rules} into the service"


def test_admins_of_what_services_write_go_through_them() -> None:
    for model, shown in admin.site._registry.items():
        if model.__name__ in SERVED - {"Location"}:
            assert isinstance(shown, ServedAdmin), f"{type(shown).__name__} saves by its form"
            for method in ("add_row", "change_row", "delete_row"):
                made_by = getattr(type(shown), method).__module__
                assert made_by.startswith("ops."), f"{type(shown).__name__}.{method} publishes no fact"


def test_pages_know_no_admin() -> None:
    """A portal can show what they make: no admin, no request and no address of a page."""
    unknown = ("django.contrib.admin", "unfold", "django.http", "django.urls")
    for module in in_role("pages"):
        for name in imported_modules(module.tree):
            parts = name.split(".")
            assert not name.startswith(unknown), f"{module.place} imports {name}"
            assert parts[0] == "foundation" or "admin" not in parts, f"{module.place} imports {name}"


def tracked_files() -> list[Path]:
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if listing.returncode:
        pytest.skip("not a git checkout")
    return [ROOT / name for name in listing.stdout.decode().split("\0") if name]


def test_no_secret_is_tracked() -> None:
    for path in tracked_files():
        if not path.is_file() or path.stat().st_size > LARGEST_SCANNED:
            continue
        content = path.read_bytes()
        if b"\0" in content:
            continue
        found = SECRET.search(content.decode(errors="replace"))
        if found:
            what = list(SECRETS)[int((found.lastgroup or "s0")[1:])]
            pytest.fail(f"{path.relative_to(ROOT)} holds {what}")


def test_nothing_private_is_tracked() -> None:
    private = re.compile(r"(^|/)(\.env|\.local|\.venv|id_(rsa|ed25519)|.+\.(pem|key|p12|sqlite3?))($|/)")
    assert not [path for path in tracked_files() if private.search(str(path.relative_to(ROOT)))]


@pytest.mark.parametrize(
    ("text", "is_secret"),
    [
        ("-----BEGIN EC PRIVATE" + " KEY-----", True),
        ("redis://:@cache/0", False),
        ("postgis://glimpse:hunter2" + "hunter2@db.example/glimpse", True),
        ("postgis://user@//run/pg/glimpse", False),
        ("DATABASE_URL=postgis://user:password-of-theirs" + "@host/db", True),
    ],
)
def test_scan_tells_secrets_from_what_looks_like_one(text: str, is_secret: bool) -> None:
    assert bool(SECRET.search(text)) is is_secret


def test_plans_are_read_under_conditions_that_the_test_sets() -> None:
    """Whoever asks PostgreSQL for a plan does it by tests/plans.py, and under the conditions of `planner`."""
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        text = path.read_text()
        if path.name == Path(__file__).name:
            continue
        asks = re.search(r"\bEXPLAIN \(|f\"EXPLAIN|\bplans\.explain|\bexplain_bulk\(|\bnodes_of\(", text)
        assert not asks or "planner" in text, f"{path.relative_to(ROOT)}: use the fixture planner"
        assert "SET LOCAL enable_seqscan" not in text, f"{path.relative_to(ROOT)}: use the fixture planner"


def test_no_migration_imports_our_code() -> None:
    """What it would import is that of tomorrow, and a migration says what was meant when it was written."""
    for app in OUR_APPS:
        for path in sorted((ROOT / app).glob("migrations/0*.py")):
            for name in imported_modules(ast.parse(path.read_text())):
                assert name.partition(".")[0] not in LAYERS, f"{path.relative_to(ROOT)} imports {name}"


def test_exceptions_end_in_error() -> None:
    """So that a `raise` and an `except` are read as such; a class is an exception if one of its bases is named so."""
    for module in modules():
        for node in ast.walk(module.tree):
            if isinstance(node, ast.ClassDef):
                bases = {ast.unparse(base).rpartition(".")[2] for base in node.bases}
                raised = any(base.endswith(("Error", "Exception")) for base in bases)
                assert not raised or node.name.endswith("Error"), f"{module.place}: {node.name}"
