"""Pages of facts, read by a cursor that misses nothing."""

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

from foundation.api.pagination import CursorPages, page_size_parameter
from foundation.following import BEGINNING
from outbox import selectors
from outbox.api.following import Question, followed_properties


class FactPages(CursorPages):
    """`after` a cursor, oldest first."""

    parameter = "after"

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any]:
        self.url = request.build_absolute_uri()
        self.question = Question.asked_by(request, cursor_name=self.parameter)
        after = self.question.position(request.query_params.get(self.parameter, ""))
        self.page = selectors.read_after(
            cursor=None if after == BEGINNING else after.cursor,
            limit=self.get_page_size(request),
            client_ids=self.question.client_ids,
        )
        numbers = [fact.number for fact in self.page.facts]
        visible = set(queryset.filter(pk__in=numbers).values_list("pk", flat=True)) if numbers else set()
        return [fact for fact in self.page.facts if fact.number in visible]

    def get_paginated_response(self, data: Any) -> Response:
        cursor = self.question.cursor(self.page.reached)
        url = replace_query_param(self.url, self.parameter, cursor)
        return Response({"next": url, "cursor": cursor, "more": self.page.more, "results": data})

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        return followed_properties(schema)

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        after = {
            "name": self.parameter,
            "in": "query",
            "required": False,
            "description": "What was told after this cursor. Begin without it, or with 0, and go on with `next`.",
            "schema": {"type": "string"},
        }
        return [after, page_size_parameter(self.page_size, self.max_page_size)]
