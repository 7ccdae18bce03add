"""Lists whose changes can be followed: `changed_after` turns the pages of a list into a cursor that misses nothing.

A cursor also says which question it answers and for which clients, so that none is used for another question, whose
earlier rows it would pass over.
"""

import hashlib
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64Error
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, ClassVar, Literal

from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

from foundation.api.pagination import NumberedPages
from foundation.errors import DomainError
from foundation.following import BEGINNING, InvalidCursorError, Position
from foundation.tenancy import clients_seen_by
from outbox import selectors
from outbox.models import ChangedRow

# Where to begin: what is there, all of it.
FROM_THE_BEGINNING = ("", "0")
# They turn pages, and belong to no question.
OF_PAGES = {"page_size", "format"}
MAX_CURSOR_LENGTH = 200
DIGEST_LENGTH = 12


class CursorOfOtherClientsError(DomainError):
    """The user sees other clients than when the cursor was given: their earlier rows would never come."""

    code = "cursor_of_other_clients"
    status = HTTPStatus.GONE


@dataclass(frozen=True, slots=True)
class Question:
    """What is followed: an address with its filters, and the clients of whom it tells."""

    path: str
    filters: tuple[tuple[str, tuple[str, ...]], ...]
    client_ids: tuple[int, ...] | Literal["all"]

    @classmethod
    def asked_by(cls, request: Request, *, cursor_name: str) -> "Question":
        """`client` chooses among those that the user sees."""
        seen = clients_seen_by(request.user)
        chosen = request.query_params.get("client", "")
        if chosen.isascii() and chosen.isdigit():
            wanted = int(chosen)
            seen = (wanted,) if seen == "all" or wanted in seen else ()
        filters = tuple(
            (name, tuple(sorted(values)))
            for name, values in sorted(request.query_params.lists())
            if name not in OF_PAGES | {cursor_name}
        )
        return cls(request.path, filters, seen)

    @property
    def digest(self) -> str:
        return _digest([self.path, self.filters])

    @property
    def clients_digest(self) -> str:
        return _digest(self.client_ids)

    def cursor(self, position: Position) -> str:
        text = f"{position.txid}:{position.number}:{self.digest}:{self.clients_digest}"
        return urlsafe_b64encode(text.encode("ascii")).decode("ascii").rstrip("=")

    def position(self, cursor: str) -> Position:
        """Where a cursor points to. Raises InvalidCursorError, also for one of another question, and
        CursorOfOtherClientsError."""
        if cursor in FROM_THE_BEGINNING:
            return BEGINNING
        position, digest, clients_digest = _parts(cursor)
        if digest != self.digest:
            raise InvalidCursorError(
                "This cursor was given for another address or other filters: follow `next`, or begin again with 0."
            )
        if clients_digest != self.clients_digest:
            raise CursorOfOtherClientsError(
                "You see other clients now than when this cursor was given: begin again with 0, and drop what does not"
                " come again."
            )
        return position


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value).encode()).hexdigest()[:DIGEST_LENGTH]


def _parts(cursor: str) -> tuple[Position, str, str]:
    try:
        if len(cursor) > MAX_CURSOR_LENGTH:
            raise ValueError("too long")
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        text = urlsafe_b64decode(padded).decode("ascii")
        txid, number, digest, clients_digest = text.split(":")
        position = Position(int(txid), int(number))
        is_ours = text == f"{position.txid}:{position.number}:{digest}:{clients_digest}"
        if not (is_ours and position.is_possible and urlsafe_b64encode(text.encode()) == padded):
            raise ValueError("not as we write it")
    except (ValueError, NotBase64Error) as error:
        raise InvalidCursorError(
            "This is no cursor: use the one that an answer gave, unchanged, or begin with 0."
        ) from error
    return position, digest, clients_digest


def followed_properties(results: dict[str, Any], **others: dict[str, Any]) -> dict[str, Any]:
    """The schema of a page that is followed."""
    return {
        "type": "object",
        "required": ["next", "cursor", "more", "results", *others],
        "properties": {
            "next": {
                "type": "string",
                "format": "uri",
                "description": "Where to go on, now or at the next poll; given with every page, empty ones too.",
            },
            "cursor": {"type": "string", "description": "The same place, as `next` has it."},
            "more": {"type": "boolean", "description": "Whether more is there already."},
            "results": results,
            **others,
        },
    }


class FollowedPages(NumberedPages):
    """Numbered pages, or with `changed_after` all rows that changed after a cursor, each at its latest.

    A row that changed and is not among what is asked for (any more) is told in `gone`: it left the user's clients, was
    deleted, or does not fit the filters. So who follows a question has in the end what the question finds.
    """

    parameter: ClassVar[str] = "changed_after"
    kind: ClassVar[ChangedRow.Kind]
    # What goes by the clock or by pages can't be followed.
    unfollowable: ClassVar[Collection[str]] = ("page", "ordering", "updated_after")
    gone_schema: ClassVar[dict[str, Any]] = {
        "type": "object",
        "required": ["id"],
        "properties": {"id": {"type": "integer"}},
    }

    def names(self, ids: Sequence[int]) -> list[dict[str, Any]]:
        """How the rows with these ids are named to the user, of whom they may have left."""
        return [{"id": id_} for id_ in ids]

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any] | None:
        self.follows = self.parameter in request.query_params
        if not self.follows:
            return super().paginate_queryset(queryset, request, view)
        self._refuse_unfollowable(request)
        self.url = request.build_absolute_uri()
        self.question = Question.asked_by(request, cursor_name=self.parameter)
        self.changed = selectors.read_changed_rows(
            self.kind,
            after=self.question.position(request.query_params[self.parameter]),
            limit=self.get_page_size(request) or self.max_page_size,
            client_ids=self.question.client_ids,
        )
        rows = {row.pk: row for row in self.followed(queryset).filter(pk__in=self.changed.ids)}
        self.gone = self.names([id_ for id_ in self.changed.ids if id_ not in rows])
        return [rows[id_] for id_ in self.changed.ids if id_ in rows]

    def followed(self, queryset: Any) -> Any:
        """What the list shows to those who follow it, if that is more."""
        return queryset

    def _refuse_unfollowable(self, request: Request) -> None:
        if refused := sorted(set(self.unfollowable) & set(request.query_params)):
            message = f"This can't be followed: leave it out, or leave out `{self.parameter}`."
            raise ValidationError({name: [message] for name in refused})

    def get_paginated_response(self, data: Any) -> Response:
        if not self.follows:
            return super().get_paginated_response(data)
        cursor = self.question.cursor(self.changed.reached)
        url = replace_query_param(self.url, self.parameter, cursor)
        return Response(
            {
                "next": url,
                "cursor": cursor,
                "more": self.changed.more,
                "results": data,
                "gone": self.gone,
            }
        )

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        gone = {
            "type": "array",
            "items": self.gone_schema,
            "description": "Changed, and not among what is asked for (any more): drop them.",
        }
        followed = followed_properties(schema, gone=gone)
        return {
            "oneOf": [
                super().get_paginated_response_schema(schema),
                followed | {"description": f"With `{self.parameter}`."},
            ]
        }

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        changed_after = {
            "name": self.parameter,
            "in": "query",
            "required": False,
            "description": "For keeping a copy: what changed after this cursor, oldest change first. Begin with 0, and"
            " go on with `next`. Nothing is missed, whatever commits late and while rows move.",
            "schema": {"type": "string"},
        }
        return [*super().get_schema_operation_parameters(view), changed_after]
