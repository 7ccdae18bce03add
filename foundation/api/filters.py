"""Filters that several endpoints share. A filter can only narrow what the user may see."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import django_filters
from django import forms
from django.core.exceptions import ValidationError as InvalidValue
from django.db.models import F, QuerySet
from django_filters.fields import IsoDateTimeField
from django_filters.rest_framework import FilterSet
from drf_spectacular.utils import extend_schema_field

EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
LATEST = datetime(2100, 1, 1, tzinfo=UTC)
LARGEST_ID = 2**63 - 1


class MomentField(IsoDateTimeField):
    """A time in ISO 8601; without an offset it is in UTC. Its range keeps all that is computed from it valid."""

    default_error_messages = {"invalid": "Give a time in ISO 8601, such as 2026-02-01T08:00:00Z."}

    def to_python(self, value: Any) -> datetime | None:
        try:
            moment = super().to_python(value)
            if moment is None or EARLIEST <= moment <= LATEST:
                return moment
        except OverflowError:
            pass
        raise InvalidValue("Give a time between the years 2000 and 2100.", code="out_of_range")


class MomentFilter(django_filters.IsoDateTimeFilter):
    field_class = MomentField


class YesNoField(forms.Field):
    def to_python(self, value: Any) -> bool | None:
        if value in self.empty_values:
            return None
        if value not in ("true", "false"):
            raise InvalidValue("Give true or false.", code="invalid")
        return bool(value == "true")


class YesNoFilter(django_filters.BooleanFilter):
    field_class = YesNoField

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **({"widget": forms.TextInput} | options))


@extend_schema_field({"type": "integer", "minimum": 1, "maximum": LARGEST_ID})
class IdFilter(django_filters.NumberFilter):
    """The id of a related row. One that does not exist, or that the user may not see, matches nothing."""

    field_class = forms.IntegerField

    def __init__(self, **options: Any) -> None:
        super().__init__(min_value=1, max_value=LARGEST_ID, **options)

    def get_max_validator(self) -> None:
        return None


class ChoicesFilter(django_filters.MultipleChoiceFilter):
    """Any of the given values; give the parameter several times."""

    def filter(self, qs: QuerySet[Any], value: list[str] | None) -> QuerySet[Any]:
        return qs.filter(**{f"{self.field_name}__in": value}) if value else qs


class Ordering(django_filters.OrderingFilter):
    """Whitelisted orders; empty values come last, and the id makes the order total."""

    def filter(self, qs: QuerySet[Any], value: Iterable[str] | None) -> QuerySet[Any]:
        terms = [self.get_ordering_value(term) for term in value or ()]
        order = [
            F(term[1:]).desc(nulls_last=True) if term.startswith("-") else F(term).asc(nulls_last=True)
            for term in terms
        ]
        return qs.order_by(*order, "id")


class BrandFilters(FilterSet):
    client = IdFilter(help_text="The id of a client.")
    search = django_filters.CharFilter("name", "icontains", help_text="A part of the name.")


class ClientFilters(FilterSet):
    search = django_filters.CharFilter("name", "icontains", help_text="A part of the name.")


class RunFilters(FilterSet):
    client = IdFilter(field_name="brand__client", help_text="The id of a client.")
    brand = IdFilter(help_text="The id of a brand.")
    live_on = django_filters.DateFilter(method="of_day", help_text="Runs whose dates include this day (UTC).")
    search = django_filters.CharFilter("name", "icontains", help_text="A part of the name.")

    def of_day(self, runs: Any, name: str, day: Any) -> Any:
        return runs.live_on(day)
