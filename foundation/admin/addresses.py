"""The one place that says what a page of the admin can't use of its address.

A list's filters are checked by Django itself. Every other page declares what it reads from its address in its admin's
`page_parameters`; for all else a message says so, and the page is shown without it. Nothing is done by a POST whose
address has what its page does not know: it may have been meant for the form.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from django.contrib import admin, messages
from django.contrib.admin.options import IS_POPUP_VAR, TO_FIELD_VAR
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest, HttpResponseRedirect

from foundation.naming import unknown
from foundation.strict_json import shown


class PageParameter(NamedTuple):
    """`accepts` tells whether the page can use a value; what: what it accepts, for the message."""

    name: str
    accepts: Callable[[str], bool] = lambda value: True
    what: str = ""


def one_of(name: str, values: Sequence[Any]) -> PageParameter:
    texts = [str(value) for value in values]
    return PageParameter(name, texts.__contains__, f"one of {', '.join(filter(None, texts))}")


def whole_number(name: str) -> PageParameter:
    return PageParameter(
        name, lambda value: value.isascii() and value.isdigit() and len(value) < 19, "a whole number"
    )


# Django's own, which its links carry from page to page.
_OF_DJANGO = tuple(
    PageParameter(name) for name in ("_changelist_filters", IS_POPUP_VAR, TO_FIELD_VAR, "_source_model")
)
# Pages without an admin, or outside of it.
_OTHERS: dict[str, tuple[PageParameter, ...]] = {
    "index": (),
    "login": (PageParameter("next"),),
    "logout": (),
    "password_change": (),
    "password_change_done": (),
    "auth_user_password_change": (),
    "app_list": (),
    "audit-log": (PageParameter("kind"), PageParameter("who"), whole_number("before")),
}
# These answer with data or a file, on which no message can stand.
_WITHOUT_MESSAGES = ("progress", "rejects", "download", "find_address", "check_fence")
# These refuse another method themselves.
_POSTED = ("find_address", "check_fence")
# These check their addresses themselves.
_CHECKED = ("changelist", "autocomplete", "search", "jsi18n", "view_on_site")


class AddressMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponse | None:
        if not request.META.get("QUERY_STRING") or not getattr(request.user, "is_staff", False):
            return None
        page, model_admin = _page_of(request)
        known = _known(page, model_admin)
        # Not before: the API tells of an address with too many parameters itself.
        problems = [] if known is None else [*_problems(request.GET, known)]
        if not problems or (page in _POSTED and request.method != "POST"):
            return None
        if page in _WITHOUT_MESSAGES:
            return HttpResponseBadRequest(" ".join(problems), content_type="text/plain; charset=utf-8")
        posted = request.method == "POST"
        for problem in problems:
            messages.warning(
                request, f"{problem} {'Nothing was done.' if posted else 'The page is shown without it.'}"
            )
        return HttpResponseRedirect(request.path) if posted else None


def _page_of(request: HttpRequest) -> tuple[str, Any]:
    """The page's name, and the admin whose it is, if it is one's."""
    match = request.resolver_match
    name = (match.url_name if match else None) or ""
    if match and match.app_names != ["admin"] and name != "audit-log":
        return "", None
    for model, model_admin in admin.site._registry.items():
        prefix = f"{model._meta.app_label}_{model._meta.model_name}_"
        if name.startswith(prefix):
            return name.removeprefix(prefix), model_admin
    return name, None


def _known(page: str, model_admin: Any) -> list[PageParameter] | None:
    """What the page reads; None if it is not for us to say."""
    if page in _CHECKED or (model_admin is None and page not in _OTHERS):
        return None
    if model_admin is None:
        return [*_OTHERS[page]]
    known = [*_declared(type(model_admin), page), *_OF_DJANGO]
    if page == "add":
        known += [PageParameter(name) for name in _initial_values(model_admin)]
    return known


def _declared(admin_class: type, page: str) -> Iterator[PageParameter]:
    """By the admin and by each that it is composed of."""
    for each in admin_class.__mro__:
        declared: Mapping[str, Sequence[PageParameter]] = each.__dict__.get("page_parameters", {})
        yield from declared.get(page, ())


def _initial_values(model_admin: Any) -> Iterator[str]:
    """A link may fill in the form of a new row."""
    yield from model_admin.form.base_fields
    yield from (field.name for field in model_admin.opts.get_fields())


def _problems(query: Any, known: Sequence[PageParameter]) -> Iterator[str]:
    by_name = {parameter.name: parameter for parameter in known}
    listed = [name for name in by_name if not name.startswith("_")]
    for name, values in query.lists():
        parameter = by_name.get(name)
        if parameter is None:
            yield unknown("parameter", name, listed)
        elif len(values) > 1:
            yield f"`{name}` is given {len(values)} times: give it once."
        elif values[0] and not parameter.accepts(values[0]):
            yield f"`{name}={shown(values[0])}` can't be used: give {parameter.what}."
