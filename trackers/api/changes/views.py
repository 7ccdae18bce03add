"""What happened, as facts. Here rather than in the outbox, which knows no MACs."""

from collections.abc import Sequence
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.generics import ListAPIView

from foundation.api.scoping import TenantScoped
from outbox.api.pagination import FactPages
from outbox.models import Fact
from outbox.selectors import PublishedFact
from trackers import selectors
from trackers.api.changes import filters, serializers


@extend_schema(tags=["changes"])
class ChangesView(TenantScoped, ListAPIView):
    """What happened to the user's clients, in the order in which it got known: arrivals, departures and changes of
    status, alerts, orders, locations and runs, and what was retracted. Staff get the facts of every client.

    Follow `next`, which every page gives: nothing is missed. A retraction takes back the fact of the same subject whose
    `status_change` it names. Facts are kept for a time (`OUTBOX_RETENTION_DAYS`); a cursor after which some are gone
    already is answered with 410, `cursor_too_old`: read what there is now, and begin again.
    """

    model = Fact
    serializer_class = serializers.ChangeSerializer
    filterset_class = filters.ChangeFilters
    pagination_class = FactPages

    def paginate_queryset(self, queryset: Any) -> Any:
        self.facts = super().paginate_queryset(queryset) or []
        return self.facts

    def get_serializer_context(self) -> dict[str, Any]:
        return {**super().get_serializer_context(), "macs": macs_by_fact(getattr(self, "facts", []))}


def macs_by_fact(facts: Sequence[PublishedFact]) -> dict[int, str]:
    """The MAC of the tracker that each fact tells of, by the fact's number."""
    ids = {fact.number: fact.tracker_id for fact in facts}
    macs = selectors.macs_by_id({id_ for id_ in ids.values() if id_ is not None})
    return {number: macs[id_] for number, id_ in ids.items() if id_ in macs}
