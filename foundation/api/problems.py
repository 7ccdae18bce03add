"""One place that turns errors into RFC 9457 problem details."""

from http import HTTPStatus
from typing import Any

from django.core.exceptions import (
    PermissionDenied,
    RequestDataTooBig,
    TooManyFieldsSent,
    TooManyFilesSent,
)
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.http.multipartparser import MultiPartParserError
from django.views.defaults import server_error as html_server_error
from rest_framework import exceptions
from rest_framework.renderers import JSONRenderer
from rest_framework.response import Response
from rest_framework.settings import api_settings
from rest_framework.views import exception_handler

from foundation.api.bodies import BodyTooLargeError
from foundation.errors import DomainError, InvalidValuesError

CONTENT_TYPE = "application/problem+json"
API_PREFIX = "/api/"

# What Django refuses of a body by itself.
_OF_DJANGO: dict[type[Exception], Exception] = {
    RequestDataTooBig: BodyTooLargeError("What is sent beside files is too large: send less at once."),
    TooManyFieldsSent: exceptions.ParseError("There are too many parameters or fields."),
    TooManyFilesSent: exceptions.ParseError("There are too many files."),
}

# What the schema says of every operation.
PROBLEM_SCHEMA: dict[str, Any] = {
    "type": "object",
    "description": "What went wrong (RFC 9457).",
    "required": ["type", "title", "status", "code", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string", "description": "The status in words."},
        "status": {"type": "integer"},
        "code": {"type": "string", "description": "Stable, for programs."},
        "detail": {"type": "string", "description": "What is wrong and what to do about it."},
        "errors": {
            "type": "object",
            "description": "Messages by parameter or field, where some are not valid.",
            "additionalProperties": True,
        },
    },
}


def problem_details(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF exception handler: domain errors and DRF's own become `application/problem+json`.

    Unknown errors return None, so that Django logs them and answers with `server_error`.
    """
    error = _OF_DJANGO.get(type(error), error)
    if isinstance(error, MultiPartParserError):
        error = exceptions.ParseError(f"The form can't be read. {error}")
    if isinstance(error, DomainError):
        response = Response(status=error.status)
        detail: Any = _by_field(error) if isinstance(error, InvalidValuesError) else error.message
        code = error.code
    else:
        known = exception_handler(error, context)
        if known is None:
            return None
        response = known
        detail, code = _detail_and_code(error, known.data)
    response.data = _problem(response.status_code, code, detail)
    response.content_type = CONTENT_TYPE
    # Whatever the view renders otherwise, or could not agree on with the caller.
    context["request"].accepted_renderer = JSONRenderer()
    context["request"].accepted_media_type = CONTENT_TYPE
    return response


def _by_field(error: InvalidValuesError) -> dict[str, list[str]]:
    return {name or api_settings.NON_FIELD_ERRORS_KEY: [said] for name, said in error.fields.items()}


def server_error(request: HttpRequest) -> HttpResponse:
    """Django's handler500: a problem within the API, a page elsewhere."""
    if not request.path_info.startswith(API_PREFIX):
        return html_server_error(request)
    problem = _problem(500, "server_error", "Something went wrong on our side; it has been logged.")
    return JsonResponse(problem, status=500, content_type=CONTENT_TYPE)


def document_problems(result: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
    """Add the problems that an operation may answer to its schema, and close its body."""
    schemas = result["components"]["schemas"]
    schemas["Problem"] = PROBLEM_SCHEMA
    for operations in result["paths"].values():
        for operation in operations.values():
            _close_body(operation, schemas)
            statuses = [400, 401, 403, 429]
            if any(parameter["in"] == "path" for parameter in operation.get("parameters", [])):
                statuses.insert(3, 404)
            for status in statuses:
                operation["responses"].setdefault(str(status), _response(HTTPStatus(status).phrase))
            operation["responses"].setdefault("default", _response("Another problem"))
    return result


def _close_body(operation: dict[str, Any], schemas: dict[str, Any]) -> None:
    """Say that a body has no other members than those: `foundation.api.strict` refuses them."""
    for body in operation.get("requestBody", {}).get("content", {}).values():
        name = body["schema"].get("$ref", "").rpartition("/")[2]
        if name in schemas:
            schemas[name]["additionalProperties"] = False


def _response(description: str) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/Problem"}
    return {"description": description, "content": {CONTENT_TYPE: {"schema": schema}}}


def _problem(status: int, code: str, detail: Any) -> dict[str, Any]:
    problem: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": code,
    }
    if isinstance(detail, str):
        return problem | {"detail": detail}
    errors = detail if isinstance(detail, dict) else {api_settings.NON_FIELD_ERRORS_KEY: detail}
    return problem | {"detail": "Some values are not valid; see errors.", "errors": errors}


def _detail_and_code(error: Exception, data: Any) -> tuple[Any, str]:
    if isinstance(error, exceptions.ValidationError):
        return data, "invalid"
    if isinstance(error, Http404):
        return "There is no such object, or you may not see it.", "not_found"
    if isinstance(error, PermissionDenied):
        return "You may not do this.", "permission_denied"
    code = error.default_code if isinstance(error, exceptions.APIException) else "error"
    return str(data.get("detail", error)), str(code)
