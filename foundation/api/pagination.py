"""Pages: numbered ones for lists, cursors for time series. Each has a greatest size."""

import base64
import binascii
import json
from datetime import datetime
from typing import Any, ClassVar, NamedTuple

from django.db.models import F, Q
from rest_framework.exceptions import ValidationError
from rest_framework.pagination import BasePagination, PageNumberPagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

MAX_CURSOR_LENGTH = 500


def page_size_parameter(default: int, maximum: int) -> dict[str, Any]:
    return {
        "name": "page_size",
        "in": "query",
        "required": False,
        "description": f"How many results a page has, at most {maximum}.",
        "schema": {"type": "integer", "minimum": 1, "maximum": maximum, "default": default},
    }


def link_schema(description: str) -> dict[str, Any]:
    return {"type": ["string", "null"], "format": "uri", "description": description}


class NumberedPages(PageNumberPagination):
    """For lists of things: a count, and pages by number."""

    page_size = 100
    max_page_size = 500
    page_size_query_param = "page_size"

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        """As OpenAPI 3.1 has it: DRF's own still says `nullable`, which means nothing there."""
        return {
            "type": "object",
            "required": ["count", "next", "previous", "results"],
            "properties": {
                "count": {"type": "integer", "description": "How many there are on all pages."},
                "next": link_schema("The next page."),
                "previous": link_schema("The page before."),
                "results": schema,
            },
        }

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        page = {
            "name": "page",
            "in": "query",
            "required": False,
            "description": "The page's number, from 1.",
            "schema": {"type": "integer", "minimum": 1, "default": 1},
        }
        return [page, page_size_parameter(self.page_size, self.max_page_size)]


class Key(NamedTuple):
    """A column of a cursor's order; `kind` is the type of its values."""

    field: str
    kind: type
    descending: bool = True


class CursorPages(BasePagination):
    """For time series, newest first: a page begins after the last row of the one before, whatever came in since.

    The view's `cursor_keys` name the columns of the order, which together identify a row; the first is the time.
    A filter that sets a bound by itself writes it to `request.pinned_parameters`: links to the next page repeat it,
    so that it doesn't move between two pages.
    """

    page_size: ClassVar[int] = 100
    max_page_size: ClassVar[int] = 1000

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any]:
        self.url = request.build_absolute_uri()
        self.pinned: dict[str, str] = getattr(request, "pinned_parameters", {})
        self.keys: tuple[Key, ...] = view.cursor_keys
        size = self.get_page_size(request)
        cursor = request.query_params.get("cursor")
        if cursor:
            queryset = queryset.filter(_after(self.keys, _decode(cursor, self.keys)))
        order = [F(key.field).desc() if key.descending else F(key.field).asc() for key in self.keys]
        rows = list(queryset.order_by(*order)[: size + 1])
        self.last = rows[size - 1] if len(rows) > size else None
        return rows[:size]

    def get_page_size(self, request: Request) -> int:
        asked = request.query_params.get("page_size", "")
        if not (asked.isascii() and asked.isdigit() and len(asked) < 10):
            return self.page_size
        return min(max(int(asked), 1), self.max_page_size)

    def get_next_link(self) -> str | None:
        if self.last is None:
            return None
        url = self.url
        for name, value in self.pinned.items():
            url = replace_query_param(url, name, value)
        return replace_query_param(url, "cursor", _encode(self.last, self.keys))

    def get_paginated_response(self, data: Any) -> Response:
        return Response({"next": self.get_next_link(), "results": data})

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        return {
            "type": "object",
            "required": ["next", "results"],
            "properties": {"next": link_schema("The next, older page."), "results": schema},
        }

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        cursor = {
            "name": "cursor",
            "in": "query",
            "required": False,
            "description": "Where the page begins; take it from `next`.",
            "schema": {"type": "string"},
        }
        return [cursor, page_size_parameter(self.page_size, self.max_page_size)]


def _after(keys: tuple[Key, ...], values: list[Any]) -> Q:
    """Rows that come later in the order. The bound on the first column stands alone: an index can use it."""
    first = keys[0]
    later = Q()
    equal = Q()
    for key, value in zip(keys, values, strict=True):
        later |= equal & Q(**{f"{key.field}__{'lt' if key.descending else 'gt'}": value})
        equal &= Q(**{key.field: value})
    return Q(**{f"{first.field}__{'lte' if first.descending else 'gte'}": values[0]}) & later


def _encode(row: Any, keys: tuple[Key, ...]) -> str:
    values = [_to_json(getattr(row, key.field)) for key in keys]
    return base64.urlsafe_b64encode(json.dumps(values).encode()).decode().rstrip("=")


def _to_json(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, bytes | memoryview):
        return bytes(value).hex()
    return value


def _decode(cursor: str, keys: tuple[Key, ...]) -> list[Any]:
    try:
        if len(cursor) > MAX_CURSOR_LENGTH:
            raise ValueError("too long")
        values = json.loads(
            base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        )
        return [_from_json(value, key.kind) for key, value in zip(keys, values, strict=True)]
    except (ValueError, TypeError, binascii.Error, RecursionError) as error:
        message = "This cursor is not one of ours; take it from `next` of the page before."
        raise ValidationError({"cursor": [message]}) from error


def _from_json(value: Any, kind: type) -> Any:
    if kind is int:
        if type(value) is not int or abs(value) >= 2**63:
            raise ValueError("not an id")
        return value
    if not isinstance(value, str) or "\0" in value:
        raise ValueError("not a text")
    if kind is datetime:
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is None:
            raise ValueError("no time zone")
        return moment
    return bytes.fromhex(value) if kind is bytes else value
