"""The members of a body: each is known to its serializer, at any depth, and given once."""

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from django.http import QueryDict
from rest_framework import serializers

from foundation.api.parameters import Problem
from foundation.naming import unknown
from foundation.strict_json import shown

MOST_PROBLEMS = 20
SEVERAL = (
    serializers.ListField,
    serializers.MultipleChoiceField,
    serializers.ManyRelatedField,
    serializers.ListSerializer,
)


class Nothing(serializers.Serializer[Any]):
    """The body of a request that says all by its address."""


def problems(
    data: Any, serializer: type[serializers.BaseSerializer[Any]], files: Mapping[str, Any]
) -> Iterator[Problem]:
    """Yield the first members, or fields of a form, that would not be used, each with the reason."""
    expected = serializer()
    if isinstance(data, QueryDict):
        found = _of_form(data, expected, files)
    elif isinstance(expected, Nothing) and data not in ({}, None):
        found = _of_nothing(data)
    elif isinstance(expected, serializers.Serializer) and not isinstance(data, dict | None):
        found = iter([("body", f"Send an object with the members {', '.join(names(expected))}.")])
    else:
        found = _of_value(data, expected, "")
    return islice(found, MOST_PROBLEMS)


def names(serializer: Any) -> list[str]:
    """The fields that can be given."""
    return [name for name, field in getattr(serializer, "fields", {}).items() if _can_be_given(field)]


def _can_be_given(field: Any) -> bool:
    return not (field.read_only or isinstance(field, serializers.HiddenField))


def _of_nothing(data: Any) -> Iterator[Problem]:
    given = list(data) if isinstance(data, Mapping) else ["body"]
    return ((shown(str(name)), "No body is taken here: leave it out.") for name in given)


def _of_form(data: QueryDict, serializer: Any, files: Mapping[str, Any]) -> Iterator[Problem]:
    known = names(serializer)
    for name, values in data.lists():
        field = serializer.fields.get(name) if name in known else None
        if field is None:
            yield shown(name), unknown("field", name, known)
        elif len(values) > 1 and not isinstance(field, SEVERAL):
            yield name, f"`{name}` is there {len(values)} times: give it once."
        elif not isinstance(field, serializers.FileField) and _is_empty(values, field):
            yield name, f"`{name}` is empty: give a value, or leave the field out."
        elif name in files and not isinstance(field, serializers.FileField):
            yield name, f"`{name}` is sent as a file: send it as a plain field, without a file name."


def _is_empty(values: list[Any], field: Any) -> bool:
    """Such a field would be taken for one that was left out."""
    may_be = getattr(field, "allow_blank", False)
    return not may_be and any(isinstance(value, str) and not value.strip() for value in values)


def _of_value(data: Any, field: Any, path: str) -> Iterator[Problem]:
    """Of what can't be read at all the serializer itself says what is wrong."""
    if isinstance(field, serializers.ListSerializer | serializers.ListField):
        if isinstance(data, list):
            for index, item in enumerate(data):
                yield from _of_value(item, field.child, f"{path}[{index}]")
    elif isinstance(field, serializers.DictField):
        if isinstance(data, dict):
            for name, item in data.items():
                yield from _of_value(item, field.child, _below(path, name))
    elif isinstance(field, serializers.Serializer) and isinstance(data, dict):
        yield from _of_object(data, field, path)


def _of_object(data: Mapping[str, Any], serializer: Any, path: str) -> Iterator[Problem]:
    known = names(serializer)
    for name, value in data.items():
        if name in known:
            yield from _of_value(value, serializer.fields[name], _below(path, name))
        elif name in serializer.fields:
            yield _below(path, name), f"`{name}` can't be set: leave it out."
        else:
            yield _below(path, name), unknown("field", name, known)


def _below(path: str, name: str) -> str:
    return f"{path}.{shown(name)}" if path else shown(name)
