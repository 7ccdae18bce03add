"""The parameters of an address: each is known, given once unless it takes several values, and not empty."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import django_filters
from django.http import QueryDict
from rest_framework import serializers
from rest_framework.mixins import ListModelMixin
from rest_framework.settings import api_settings

from foundation.naming import unknown
from foundation.strict_json import shown

Problem = tuple[str, str]


class Parameter(NamedTuple):
    """`least`: it is a whole number of at least this many. `listed`: named where the known ones are."""

    name: str
    several: bool = False
    may_be_empty: bool = False
    least: int | None = None
    listed: bool = True


def of_serializer(serializer: type[serializers.Serializer[Any]] | None) -> Iterator[Parameter]:
    for name, field in (serializer().fields if serializer else {}).items():
        several = isinstance(field, serializers.ListField | serializers.MultipleChoiceField)
        yield Parameter(name, several=several, may_be_empty=getattr(field, "allow_blank", False))


def of_reading(view: Any) -> Iterator[Parameter]:
    """What a GET takes: the renderer, the filters, and the page of a list."""
    if api_settings.URL_FORMAT_OVERRIDE:
        yield Parameter(api_settings.URL_FORMAT_OVERRIDE, listed=False)
    filters = getattr(getattr(view, "filterset_class", None), "base_filters", {})
    for name, each in filters.items():
        yield Parameter(name, several=isinstance(each, django_filters.MultipleChoiceFilter))
    paginator = getattr(view, "paginator", None) if isinstance(view, ListModelMixin) else None
    for page in paginator.get_schema_operation_parameters(view) if paginator else ():
        is_number = page["schema"].get("type") == "integer"
        yield Parameter(page["name"], least=page["schema"].get("minimum", 0) if is_number else None)


def problems(query: QueryDict, known: Sequence[Parameter], in_body: Collection[str]) -> Iterator[Problem]:
    """Yield the parameters that would not be used, each with the reason. in_body: names that the body takes."""
    by_name = {parameter.name: parameter for parameter in known}
    listed = [parameter.name for parameter in known if parameter.listed]
    for name, values in query.lists():
        parameter = by_name.get(name)
        if parameter is not None:
            yield from ((name, wrong) for wrong in _wrong(parameter, values))
        elif name in in_body:
            yield name, f"`{name}` is taken from the body here, not from the address."
        else:
            yield shown(name), unknown("parameter", name, listed)


def _wrong(parameter: Parameter, values: Sequence[str]) -> Iterator[str]:
    name = parameter.name
    if len(values) > 1 and not parameter.several:
        yield f"`{name}` is given {len(values)} times: give it once."
    elif not (parameter.may_be_empty or all(value.strip() for value in values)):
        yield f"`{name}` is empty: give a value, or leave the parameter out."
    elif parameter.least is not None and not _is_number(values[0], parameter.least):
        yield f"`{name}` is not a whole number of at least {parameter.least}."


def _is_number(text: str, least: int) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 10 and int(text) >= least


def by_name(found: Iterator[Problem]) -> Mapping[str, list[str]]:
    """Problems as an API error tells them."""
    told: dict[str, list[str]] = {}
    for name, message in found:
        told.setdefault(name, []).append(message)
    return told
