"""Plain views of ours, outside of the API and the admin, that take only the parameters they know."""

from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse

from foundation.naming import unknown

View = Callable[..., HttpResponse]


def only_parameters(*known: str) -> Callable[[View], View]:
    """The decorated view takes these parameters, each once; another is a 400 that names it."""

    def decorate(view: View) -> View:
        @wraps(view)
        def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            for name, values in request.GET.lists():
                if name not in known:
                    return _refused(unknown("parameter", name, known))
                if len(values) > 1:
                    return _refused(f"`{name}` is given {len(values)} times: give it once.")
            return view(request, *args, **kwargs)

        return checked

    return decorate


def _refused(detail: str) -> HttpResponse:
    status = HTTPStatus.BAD_REQUEST
    problem = {
        "type": "about:blank",
        "title": status.phrase,
        "status": status,
        "code": "invalid",
        "detail": detail,
    }
    return JsonResponse(problem, status=status, content_type="application/problem+json")
