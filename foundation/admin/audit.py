"""The audit log as ops read it: on each row's page what became of the row, and one page over all of them.

Only the newest rows of an audit table are read, by its primary key; going further back is by kind, page by page.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby
from typing import Any

from django.apps import apps
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.contrib.gis.geos import GEOSGeometry, Point
from django.db.models import ForeignKey, Model, OuterRef, Subquery
from django.urls import NoReverseMatch, reverse
from pghistory.models import Event

from foundation.admin import display

PER_PAGE = 50
# A search for what one person did reads this many rows of each kind.
SEARCHED = 5_000

ACTIONS = {"insert": "added", "update": "changed", "delete": "deleted"}
# What a row is called, by the first of these that its audit has.
NAMES = ("name", "label", "mac", "username", "reference")
_LONGEST_VALUE = 120

# A model that django-pghistory generated: a subclass of its `Event`.
Table = type[Any]


@dataclass(frozen=True, slots=True)
class Change:
    field: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Entry:
    """What happened to one row. who: a user name, or "the system"."""

    pk: int
    at: datetime
    who: str
    action: str
    kind: str
    row: str
    url: str
    reason: str
    changes: list[Change]
    # How many further rows the same statement did the same to.
    others: int = 0


def tables() -> dict[str, Table]:
    """Every audit table by its name in URLs."""
    found = [model for model in apps.get_models() if issubclass(model, Event) and model._meta.managed]
    return {model._meta.label_lower: model for model in sorted(found, key=_kind)}


def table_of(model: type[Model]) -> Table | None:
    """The audit table of a model, or of the one that it is a proxy of."""
    concrete = model._meta.concrete_model
    return next((t for t in tables().values() if t.pgh_tracked_model is concrete and _has_row(t)), None)


def entries_of(row: Model) -> list[Entry]:
    """What became of one row, newest first."""
    table = table_of(type(row))
    return list(_read(table, pgh_obj_id=row.pk)) if table else []


def latest_entries(
    chosen: Iterable[Table], *, before: int | None = None, user: int | None = None
) -> list[Entry]:
    """The newest entries of these tables. before: of a single table, those older than that key."""
    conditions = {} if before is None else {"pgh_id__lt": before}
    found = [entry for table in chosen for entry in _read(table, user=user, **conditions)]
    # Those of one transaction have one time, and keys of different tables say nothing about their order.
    found.sort(key=lambda entry: (entry.at, entry.kind, entry.pk), reverse=True)
    return [_merged(list(alike)) for _, alike in groupby(found[:PER_PAGE], key=_deed)]


def _deed(entry: Entry) -> tuple[Any, ...]:
    return entry.at, entry.who, entry.kind, entry.action, entry.changes


def _merged(alike: Sequence[Entry]) -> Entry:
    """One of them for all, with the key of the oldest: paging goes on after it."""
    return replace(alike[-1], others=len(alike) - 1)


def _read(table: Table, *, user: int | None = None, **conditions: Any) -> Iterator[Entry]:
    rows = table._default_manager.filter(**conditions).order_by("-pgh_id")
    if user is not None:
        rows = table._default_manager.filter(
            pgh_id__in=rows.values("pgh_id")[:SEARCHED], pgh_context__user=user
        ).order_by("-pgh_id")
    if _has_row(table):
        older = table._default_manager.filter(
            pgh_obj_id=OuterRef("pgh_obj_id"), pgh_id__lt=OuterRef("pgh_id")
        )
        rows = rows.annotate(previous=Subquery(older.order_by("-pgh_id").values("pgh_id")[:1]))
    page = list(rows[:PER_PAGE])
    previous = table._default_manager.in_bulk(
        {row.previous for row in page if _has_row(table) and row.previous}
    )
    names = _names(table, [*page, *previous.values()])
    users = get_user_model().objects.in_bulk({_user_id(row) for row in page} - {None})
    for row in page:
        former = previous.get(row.previous) if _has_row(table) else None
        yield _entry(table, row, former, names, users)


def _entry(table: Table, row: Any, former: Any, names: dict[Any, str], users: dict[int, Any]) -> Entry:
    actor = users.get(_user_id(row) or 0)
    return Entry(
        pk=row.pk,
        at=row.pgh_created_at,
        who=actor.get_username() if actor else "the system",
        action=ACTIONS[row.pgh_label],
        kind=_kind(table),
        row=_row_name(table, row),
        url=_row_url(table, row),
        reason=(row.pgh_context or {}).get("reason", ""),
        changes=list(_changes(table, row, former, names)),
    )


def _changes(table: Table, row: Any, former: Any, names: dict[Any, str]) -> Iterator[Change]:
    if row.pgh_label == "delete":
        return
    for field in _copied_fields(table):
        if field.primary_key or field.name == "id":
            continue
        before = getattr(former, field.attname) if former else None
        after = getattr(row, field.attname)
        if before != after:
            yield Change(
                str(table.pgh_tracked_model._meta.get_field(field.name).verbose_name),
                _shown(field, before, names),
                _shown(field, after, names),
            )


def _shown(field: Any, value: Any, names: dict[Any, str]) -> str:
    if value in (None, "", []):
        return "–"
    if isinstance(value, list):
        value = ", ".join(map(str, value))
    if isinstance(field, ForeignKey):
        return names.get((field.related_model, value), f"number {value}")
    if isinstance(value, datetime):
        return display.utc(value)
    if isinstance(value, Point):
        return f"{value.y:.5f}, {value.x:.5f}"
    if isinstance(value, GEOSGeometry):
        return f"area of {value.num_coords - 1} corners"
    text = str(dict(field.flatchoices).get(value, value))
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}…"


def _names(table: Table, rows: Sequence[Any]) -> dict[Any, str]:
    """What the rows that these refer to are called; one query for each model."""
    wanted: defaultdict[Any, set[int]] = defaultdict(set)
    for field in _copied_fields(table):
        if isinstance(field, ForeignKey):
            wanted[field.related_model] |= {getattr(row, field.attname) for row in rows} - {None}
    return {
        (model, pk): str(found)
        for model, pks in wanted.items()
        for pk, found in model._base_manager.select_related().in_bulk(pks).items()
    }


def _copied_fields(table: Table) -> list[Any]:
    return [field for field in table._meta.concrete_fields if not field.name.startswith("pgh_")]


def _has_row(table: Table) -> bool:
    return any(field.name == "pgh_obj" for field in table._meta.concrete_fields)


def _kind(table: Table) -> str:
    return str(table._meta.verbose_name).removeprefix("audit of ")


def _user_id(row: Any) -> int | None:
    return (row.pgh_context or {}).get("user")


def _row_name(table: Table, row: Any) -> str:
    known = (getattr(row, name, "") for name in NAMES)
    return next((name for name in known if name), f"{_kind(table)} {getattr(row, 'pgh_obj_id', row.pk)}")


def _row_url(table: Table, row: Any) -> str:
    model = table.pgh_tracked_model
    if row.pgh_label == "delete" or not _has_row(table) or not admin.site.is_registered(model):
        return ""
    try:
        return reverse(
            f"admin:{model._meta.app_label}_{model._meta.model_name}_change", args=[row.pgh_obj_id]
        )
    except NoReverseMatch:
        return ""
