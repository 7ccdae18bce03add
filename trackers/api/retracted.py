"""Rows that turned out to be wrong: left out of lists, and told as such to those who ask for them."""

from typing import Any

from django_filters.rest_framework import FilterSet

from foundation.api.filters import YesNoFilter


class RetractableFilters(FilterSet):
    """Rows that turned out to be wrong are left out, unless they are asked for."""

    retracted = YesNoFilter(
        method="keep",
        help_text="Only what later reports or changes showed to be wrong (true), or only what stands (false, as by"
        " default).",
    )
    include_retracted = YesNoFilter(
        method="keep",
        help_text="Also what later reports or changes showed to be wrong, with its `retracted_at`.",
    )

    def keep(self, rows: Any, name: str, value: Any) -> Any:
        return rows

    @property
    def keeps_retracted(self) -> bool:
        """Whether they are shown where nothing is said of them."""
        return False

    def filter_queryset(self, queryset: Any) -> Any:
        rows = super().filter_queryset(queryset)
        asked = self.form.cleaned_data
        match asked["retracted"], asked["include_retracted"]:
            case True, _:
                return rows.retracted()
            case None, True:
                return rows.with_retracted()
            case None, None if self.keeps_retracted:
                return rows.with_retracted()
        return rows.valid()
