from typing import Any

from django_filters.rest_framework import FilterSet

from foundation.api.filters import ChoicesFilter, IdFilter, MomentFilter, YesNoFilter
from outbox.api.following import FollowedPages
from trackers import selectors
from trackers.api.filters import MacFilter
from trackers.api.retracted import RetractableFilters
from trackers.models import Alert


class AlertFilters(RetractableFilters, FilterSet):
    """Who follows alerts gets those that were retracted too, unless `retracted` says otherwise."""

    kind = ChoicesFilter(choices=Alert.Kind.choices, help_text="Any of these; give it several times.")
    open = YesNoFilter(
        field_name="ended_at", lookup_expr="isnull", help_text="Whether it lasts: it has no end yet."
    )
    tracker = MacFilter(method="of_tracker", help_text="A MAC, in any notation, or a serial.")
    location = IdFilter(help_text="The id of a location.")
    run = IdFilter(field_name="assignment__run", help_text="The id of a production run.")
    client = IdFilter(field_name="assignment__run__brand__client", help_text="The id of a client.")
    since = MomentFilter("latest_at", "gte", help_text="Shown at this time or later.")
    until = MomentFilter("began_at", "lt", help_text="Begun before this time.")

    def of_tracker(self, alerts: Any, name: str, mac: str) -> Any:
        return selectors.of_mac(alerts, mac)

    @property
    def keeps_retracted(self) -> bool:
        return FollowedPages.parameter in self.request.query_params
