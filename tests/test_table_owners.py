"""Only the app that owns a table writes it: neither SQL nor the ORM of another app does."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from django.apps import apps

ROOT = Path(__file__).resolve().parents[1]
# The simulation makes worlds that no service makes, in databases of its own.
OUR_APPS = ("clients", "outbox", "locations", "trackers", "keys", "orders", "ingestion", "ops")
SQL_WRITE = re.compile(
    r"\b(?:INSERT\s+INTO|UPDATE|DELETE\s+FROM|TRUNCATE(?:\s+TABLE)?)\s+(?:ONLY\s+)?\"?(\w+)", re.IGNORECASE
)
ORM_WRITES = {"create", "bulk_create", "bulk_update", "get_or_create", "update_or_create", "update", "delete"}


def owners() -> dict[str, str]:
    every = apps.get_models(include_auto_created=True)
    return {model._meta.db_table: model._meta.app_label for model in every}


def model_owners() -> dict[str, str]:
    return {
        model.__name__: model._meta.app_label
        for model in apps.get_models()
        if model._meta.app_label in OUR_APPS
    }


def sources() -> Iterator[tuple[str, Path]]:
    for app in OUR_APPS:
        for path in sorted((ROOT / app).rglob("*")):
            if path.suffix in (".py", ".sql") and "migrations" not in path.parts:
                yield app, path


def written_tables(text: str) -> set[str]:
    return {table for table in SQL_WRITE.findall(text) if table in owners()}


def strings(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def written_models(tree: ast.AST) -> Iterator[str]:
    """The models on whose managers something is called that writes."""
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        if node.func.attr not in ORM_WRITES:
            continue
        names, part = [], node.func.value
        while isinstance(part, ast.Attribute | ast.Call):
            if isinstance(part, ast.Attribute):
                names.append(part.attr)
            part = part.value if isinstance(part, ast.Attribute) else part.func
        if isinstance(part, ast.Name) and "objects" in names:
            yield part.id


def foreign_writes() -> set[tuple[str, str]]:
    found = set()
    tables, models = owners(), model_owners()
    for app, path in sources():
        place, text = str(path.relative_to(ROOT)), path.read_text()
        tree = ast.parse(text) if path.suffix == ".py" else None
        for statement in strings(tree) if tree else [text]:
            found |= {(place, table) for table in written_tables(statement) if tables[table] != app}
        if tree:
            found |= {(place, name) for name in written_models(tree) if models.get(name, app) != app}
    return found


def test_only_its_app_writes_a_table() -> None:
    assert foreign_writes() == set()


def test_writes_are_found_however_they_are_written() -> None:
    sql = "insert into trackers_tracker (mac) VALUES (1); UPDATE orders_order AS o SET x = 1 FOR UPDATE SKIP LOCKED"
    assert written_tables(sql) == {"trackers_tracker", "orders_order"}
    code = (
        "Tracker.objects.filter(pk=1).exclude(a=2).update(x=1)\nOrder.objects.create()\nOrder.objects.get().x"
    )
    assert list(written_models(ast.parse(code))) == ["Tracker", "Order"]
