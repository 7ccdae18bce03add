import django_filters
from django_filters.rest_framework import FilterSet

from foundation.api.filters import ChoicesFilter, IdFilter
from orders.models import Order


class OrderFilters(FilterSet):
    client = IdFilter(help_text="The id of a client.")
    run = IdFilter(help_text="The id of a production run.")
    state = ChoicesFilter(choices=Order.State.choices, help_text="Any of these; give it several times.")
    reference = django_filters.CharFilter(help_text="Exactly this reference.")
