"""One place that turns errors into RFC 9457 problem details."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import exception_handler

from clients.errors import DomainError


def problem_details(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF exception handler: domain errors and DRF's own become `application/problem+json`.

    Unknown errors return None, so that Django answers 500 and logs them.
    """
    if isinstance(error, DomainError):
        response = Response(status=error.status)
        detail: Any = error.message
        code = error.code
    else:
        known = exception_handler(error, context)
        if known is None:
            return None
        response = known
        detail, code = _detail_and_code(error, known.data)
    problem: dict[str, Any] = {
        "type": "about:blank",
        "title": response.status_text,
        "status": response.status_code,
        "code": code,
    }
    if isinstance(detail, str):
        problem["detail"] = detail
    else:
        problem["detail"] = "Some values are not valid; see errors."
        problem["errors"] = detail
    response.data = problem
    response.content_type = "application/problem+json"
    return response


def _detail_and_code(error: Exception, data: Any) -> tuple[Any, str]:
    if isinstance(error, exceptions.ValidationError):
        return data, "invalid"
    if isinstance(error, Http404):
        return "There is no such object, or you may not see it.", "not_found"
    if isinstance(error, PermissionDenied):
        return "You may not do this.", "permission_denied"
    code = error.default_code if isinstance(error, exceptions.APIException) else "error"
    return str(data.get("detail", error)), str(code)
