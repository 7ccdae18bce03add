from django_filters.rest_framework import FilterSet

from foundation.api.filters import IdFilter


class ChangeFilters(FilterSet):
    client = IdFilter(help_text="The id of a client.")
