from typing import Any

import django_filters
from django.db.models import Q
from django.utils import timezone
from django_filters.rest_framework import FilterSet

from clients.models import ProductionRun
from foundation.api.filters import IdFilter, MomentFilter, YesNoFilter
from locations.api.geojson import BoxFilter
from locations.models import Location


class LocationFilters(FilterSet):
    kind = django_filters.ChoiceFilter(choices=Location.Kind.choices, help_text="Storage or delivery.")
    run = IdFilter(method="of_run", help_text="The id of a production run that uses the location.")
    active = YesNoFilter(method="is_active", help_text="Whether it is active now.")
    updated_after = MomentFilter(
        "updated_at",
        "gt",
        help_text="Changed after this time. Not for keeping a copy: rows are missed that move between pages, share a"
        " moment or commit late. Use `changed_after`.",
    )
    search = django_filters.CharFilter(method="with_text", help_text="A part of the name or address.")
    bbox = BoxFilter("fence", help_text="Within west,south,east,north, in degrees.")

    def of_run(self, locations: Any, name: str, run: int) -> Any:
        """Through the runs that the user may see: a location may serve other clients' runs too."""
        runs = ProductionRun.objects.visible_to(self.request.user).filter(pk=run)
        return locations.filter(
            pk__in=Location.runs.through.objects.filter(productionrun__in=runs).values("location")
        )

    def is_active(self, locations: Any, name: str, active: bool) -> Any:
        now = timezone.now()
        is_active = (Q(active_from=None) | Q(active_from__lte=now)) & (
            Q(active_until=None) | Q(active_until__gt=now)
        )
        return locations.filter(is_active if active else ~is_active)

    def with_text(self, locations: Any, name: str, text: str) -> Any:
        return locations.filter(Q(name__icontains=text) | Q(address__icontains=text))
